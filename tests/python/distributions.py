"""Writes tests/figures/distributions.json: what torch.distributions makes of parameters, extreme ones included.

    pip install torch==2.13.0 numpy mpmath && python3 tests/python/distributions.py

Everything is in double precision, of numbers that single precision holds exactly. For discrete distributions PyTorch
rounds probabilities to 0 and 1 before it takes their divergence, which is infinite then: what is finite in truth comes
from mpmath with 60 digits, which is checked against PyTorch wherever PyTorch has an answer.
"""

import itertools
import json
import math
import pathlib

import mpmath as mp
import numpy as np
import torch
from torch.distributions import Bernoulli, Categorical, Laplace, Normal, kl_divergence

torch.set_default_dtype(torch.float64)
mp.mp.dps = 60
generator = np.random.default_rng(11)


def exact(values):
    return np.asarray(values, dtype=np.float32).astype(np.float64).tolist()


def leaf(values):
    return torch.tensor(values, requires_grad=True)


def with_gradients(result, **parameters):
    """Each entry of a value, and the gradient of their sum."""
    leaves = list(parameters.values())
    gradients = torch.autograd.grad(result.sum(), leaves, retain_graph=True, allow_unused=True)
    zero_where_none = [torch.zeros_like(p) if g is None else g for g, p in zip(gradients, leaves)]
    named = {name: gradient.flatten().tolist() for name, gradient in zip(parameters, zero_where_none)}
    return {"value": result.flatten().tolist(), "gradient": named}


def location_scale(family):
    locs = [0.0, 1.0, -3.5, 1e4, *generator.normal(size=20)]
    log_scales = [0.0, math.log(1e-6), 3.0, -2.0, *generator.normal(size=20)]
    values = [0.5, 1.0 + 2.0**-20, -3.5, 1e4 + 0.5, *generator.normal(size=20)]
    other_locs = [0.0, 1.0 + 2.0**-20, 2.0, 1e4 - 1.0, *generator.normal(size=20)]
    other_log_scales = [0.0, math.log(2e-6), -1.0, 2.0, *generator.normal(size=20)]
    given = {
        "loc": exact(locs),
        "log_scale": exact(log_scales),
        "value": exact(values),
        "other_loc": exact(other_locs),
        "other_log_scale": exact(other_log_scales),
    }
    p = {name: leaf(values) for name, values in given.items()}
    one = family(p["loc"], p["log_scale"].exp())
    other = family(p["other_loc"], p["other_log_scale"].exp())
    own = {"loc": p["loc"], "log_scale": p["log_scale"]}
    return given | {
        "log_prob": with_gradients(one.log_prob(p["value"]), **own, value=p["value"]),
        "entropy": with_gradients(one.entropy(), **own),
        "kl": with_gradients(
            kl_divergence(one, other), **own, other_loc=p["other_loc"], other_log_scale=p["other_log_scale"]
        ),
    }


def log_softmax(logits):
    logits = [mp.mpf(logit) for logit in logits]
    total = mp.log(mp.fsum(mp.exp(logit) for logit in logits))
    return [logit - total for logit in logits]


def with_exact_gradients(terms, names):
    """Rows of a value and its gradients, as `with_gradients` has them."""
    columns = [np.array([row[index] for row in terms], dtype=float).ravel().tolist() for index in range(len(names) + 1)]
    return {"value": columns[0], "gradient": dict(zip(names, columns[1:]))}


def exact_entropy(logits):
    log_p = log_softmax(logits)
    p = [mp.exp(x) for x in log_p]
    entropy = -mp.fsum(a * b for a, b in zip(p, log_p))
    return entropy, [-a * (b + entropy) for a, b in zip(p, log_p)]


def exact_kl(logits, other_logits):
    log_p, log_q = log_softmax(logits), log_softmax(other_logits)
    p, q = [mp.exp(x) for x in log_p], [mp.exp(x) for x in log_q]
    kl = mp.fsum(a * (b - c) for a, b, c in zip(p, log_p, log_q))
    return kl, [a * (b - c - kl) for a, b, c in zip(p, log_p, log_q)], [b - a for a, b in zip(p, q)]


def checked(exact, from_torch):
    """The exact figures, close to PyTorch's where those are finite and not spoilt by rounding."""
    names = from_torch["gradient"]
    pairs = [(exact["value"], from_torch["value"]), *((exact["gradient"][n], from_torch["gradient"][n]) for n in names)]
    finite = np.isfinite(from_torch["value"])
    for one, other in pairs:
        one, other = np.reshape(one, (len(finite), -1)), np.reshape(other, (len(finite), -1))
        np.testing.assert_allclose(one[finite], other[finite], rtol=1e-6, atol=1e-12)
    return exact


def two_classes(logit):
    return [logit, 0.0]


def first(row):
    """Only the first class of two has a logit of its own."""
    return [row[0], *[gradient[0] for gradient in row[1:]]]


def bernoulli():
    extremes = [-1e4, -100.0, -20.0, -1.0, 0.0, 0.5, 20.0, 100.0, 1e4]
    pairs = np.array(list(itertools.product(extremes, extremes)))
    given = {"logits": exact(pairs[:, 0]), "other_logits": exact(pairs[:, 1])}
    given["value"] = exact([index % 2 for index in range(len(pairs))])
    p = {name: leaf(values) for name, values in given.items()}
    one, other = Bernoulli(logits=p["logits"]), Bernoulli(logits=p["other_logits"])
    return given | {
        "log_prob": with_gradients(one.log_prob(p["value"].detach()), logits=p["logits"]),
        "entropy": checked(
            with_exact_gradients([first(exact_entropy(two_classes(l))) for l in given["logits"]], ["logits"]),
            with_gradients(one.entropy(), logits=p["logits"]),
        ),
        "kl": checked(
            with_exact_gradients(
                [
                    first(exact_kl(two_classes(l), two_classes(m)))
                    for l, m in zip(given["logits"], given["other_logits"])
                ],
                ["logits", "other_logits"],
            ),
            with_gradients(kl_divergence(one, other), logits=p["logits"], other_logits=p["other_logits"]),
        ),
    }


def categorical():
    extremes = [[0.0, 0.0, 0.0], [100.0, -100.0, 0.0], [1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [20.0, 0.0, -20.0]]
    logits = [*extremes, *generator.normal(size=(5, 3))]
    other = [*generator.normal(size=(5, 3)), *extremes]
    given = {"logits": exact(logits), "other_logits": exact(other)}
    given["value"] = [index % 3 for index in range(len(logits))]
    p = {name: leaf(given[name]) for name in ("logits", "other_logits")}
    one, two = Categorical(logits=p["logits"]), Categorical(logits=p["other_logits"])
    return given | {
        "log_prob": with_gradients(one.log_prob(torch.tensor(given["value"])), logits=p["logits"]),
        "entropy": checked(
            with_exact_gradients([exact_entropy(l) for l in given["logits"]], ["logits"]),
            with_gradients(one.entropy(), logits=p["logits"]),
        ),
        "kl": checked(
            with_exact_gradients(
                [exact_kl(l, m) for l, m in zip(given["logits"], given["other_logits"])], ["logits", "other_logits"]
            ),
            with_gradients(kl_divergence(one, two), logits=p["logits"], other_logits=p["other_logits"]),
        ),
    }


figures = {
    "normal": location_scale(Normal),
    "laplace": location_scale(Laplace),
    "bernoulli": bernoulli(),
    "categorical": categorical(),
}
path = pathlib.Path(__file__).parent.parent / "figures" / "distributions.json"
path.write_text(json.dumps(figures, allow_nan=False) + "\n")
