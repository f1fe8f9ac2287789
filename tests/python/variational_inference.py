"""Writes tests/figures/variational_inference.json: bounds and gradients of a model with two stochastic layers.

    pip install torch==2.13.0 numpy && python3 tests/python/variational_inference.py

The draws are functions of noise that is given, so that the same model can be built elsewhere. Everything is in double
precision, of numbers that single precision holds exactly.
"""

import json
import math
import pathlib

import numpy as np
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

torch.set_default_dtype(torch.float64)
generator = np.random.default_rng(3)

BATCH, VALUES, UPPER, LOWER, MOST = 4, 6, 2, 3, 5


def exact(array):
    return torch.tensor(np.asarray(array, dtype=np.float32).astype(np.float64))


def normal_of(parameters, detached=False):
    loc, log_scale = parameters.detach().chunk(2, 1) if detached else parameters.chunk(2, 1)
    return Normal(loc, log_scale.exp())


observed = exact(generator.integers(0, 2, size=(BATCH, VALUES)))
weights = {
    "to_upper": exact(0.7 * generator.normal(size=(VALUES, 2 * UPPER))),
    "to_lower": exact(0.5 * generator.normal(size=(VALUES + UPPER, 2 * LOWER))),
    "upper_to_lower": exact(0.3 * generator.normal(size=(UPPER, 2 * LOWER))),
    "to_observed": exact(generator.normal(size=(LOWER, VALUES))),
}
noise = {
    "upper": exact(generator.normal(size=(BATCH * MOST, UPPER))),
    "lower": exact(generator.normal(size=(BATCH * MOST, LOWER))),
}


def infer(parameters, draws, detached):
    """Log-likelihood, KL of each layer and `ln p(z) - ln q(z)`, each with a row for each draw of each sample."""
    x = observed.repeat_interleave(draws, 0)
    rows = len(x)
    upper_parameters = x @ parameters["to_upper"]
    q_upper, p_upper = normal_of(upper_parameters), Normal(torch.zeros(()), torch.ones(()))
    upper = q_upper.mean + q_upper.stddev * noise["upper"][:rows]
    lower_parameters = torch.cat([x, upper], 1) @ parameters["to_lower"]
    q_lower, p_lower = normal_of(lower_parameters), normal_of(upper @ parameters["upper_to_lower"])
    lower = q_lower.mean + q_lower.stddev * noise["lower"][:rows]
    log_likelihood = Bernoulli(logits=lower @ parameters["to_observed"]).log_prob(x).sum(1)
    log_p = p_upper.log_prob(upper).sum(1) + p_lower.log_prob(lower).sum(1)
    log_q = normal_of(upper_parameters, detached).log_prob(upper).sum(1)
    log_q = log_q + normal_of(lower_parameters, detached).log_prob(lower).sum(1)
    log_ratio = log_p - log_q
    kls = [kl_divergence(q_upper, p_upper), kl_divergence(q_lower, p_lower)]
    by_draw = lambda rows: rows.reshape(BATCH, draws, *rows.shape[1:])
    return by_draw(log_likelihood), [by_draw(kl).mean(1) for kl in kls], by_draw(log_ratio)


def charged(kl, nats, clamp, groups):
    """The divergence that a layer is charged for, with free bits as in their paper or per sample: a number."""
    if groups == "layer":
        kl = kl.sum(1, keepdim=True)
    budget = torch.tensor(nats / kl.shape[1])
    if clamp == "batch_mean":
        return torch.maximum(kl.mean(0), budget).sum()
    return torch.maximum(kl, budget).sum(1).mean()


def case(draws=1, beta=1.0, nats=0.0, clamp="batch_mean", groups="layer", detached=False):
    parameters = {name: weight.clone().requires_grad_() for name, weight in weights.items()}
    log_likelihood, kls, log_ratio = infer(parameters, draws, detached)
    nll = -log_likelihood.mean(1)
    kl = sum(kl.sum(1) for kl in kls)
    log_weights = log_likelihood + log_ratio
    if draws == 1 and not detached:
        free = sum(charged(kl, nats, clamp, groups) for kl in kls) if nats > 0 else kl.mean()
        loss = nll.mean() + beta * free
    else:
        bound = torch.logsumexp(log_likelihood + beta * log_ratio, 1) - math.log(draws)
        loss = -bound.mean()
        if nats > 0:
            loss = loss + beta * sum(charged(kl, nats, clamp, groups) - kl.sum(1).mean() for kl in kls)
    gradients = torch.autograd.grad(loss, list(parameters.values()))
    bound = torch.logsumexp(log_weights, 1) - math.log(draws) if draws > 1 else -(nll + kl)
    shares = torch.softmax(log_weights, 1)
    return {
        "importance_samples": draws,
        "beta": beta,
        "nats": nats,
        "per_sample": int(clamp == "sample"),
        "per_dimension": int(groups == "dimension"),
        "sticking_the_landing": int(detached),
        "loss": loss.item(),
        "gradient": {name: gradient.tolist() for name, gradient in zip(parameters, gradients)},
        "elbo": (-(nll + kl)).tolist(),
        "nll": nll.tolist(),
        "kl": kl.tolist(),
        "kl_per_layer": torch.stack([kl.sum(1) for kl in kls], 1).tolist(),
        "iw_bound": bound.tolist(),
        "effective_sample_size": (1 / (shares**2).sum(1)).tolist(),
        "bits_per_dimension": (-bound / math.log(2) / VALUES).tolist(),
    }


cases = {
    "elbo": case(),
    "beta": case(beta=0.25),
    "free_bits": case(nats=0.75),
    "free_bits_beta": case(nats=0.75, beta=2.0),
    "free_bits_per_sample": case(nats=0.75, clamp="sample"),
    "free_bits_per_dimension": case(nats=0.75, groups="dimension"),
    "free_bits_per_sample_and_dimension": case(nats=0.75, clamp="sample", groups="dimension"),
    "more_free_bits": case(nats=3.0),
    "more_free_bits_per_sample": case(nats=3.0, clamp="sample"),
    "importance": case(draws=MOST),
    "importance_beta": case(draws=MOST, beta=0.25),
    "importance_free_bits": case(draws=MOST, nats=0.75),
    "sticking_the_landing": case(detached=True),
    "importance_sticking_the_landing": case(draws=MOST, detached=True),
}

# The budget lies above some of the divergences and below others, or the forms would not differ.
losses = sorted(other["loss"] for name, other in cases.items() if name != "importance_sticking_the_landing")
assert min(np.diff(losses)) > 1e-3, losses


def effective_sample_size(log_weights):
    shares = np.exp(np.asarray(log_weights) - np.max(log_weights))
    return float(shares.sum() ** 2 / (shares**2).sum())


log_weights = [[-1.0, -2.0, -3.0, 0.5], [-1e6, -1e6, -1e6 - 1.0, -1e6 + 2.0], [1e4, 1e4 + 0.5, 1e4 - 3.0, 1e4]]
figures = {
    "observed": observed.tolist(),
    "weights": {name: weight.tolist() for name, weight in weights.items()},
    "noise": {name: values.tolist() for name, values in noise.items()},
    "cases": cases,
    "log_weights": {
        "given": log_weights,
        "iw_bound": (torch.logsumexp(torch.tensor(log_weights), 1) - math.log(4)).tolist(),
        "effective_sample_size": [effective_sample_size(row) for row in log_weights],
    },
}
path = pathlib.Path(__file__).parent.parent / "figures" / "variational_inference.json"
path.write_text(json.dumps(figures, allow_nan=False) + "\n")
