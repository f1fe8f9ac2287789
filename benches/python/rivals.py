"""booster's rivals in Python: `rivals.py KEY...` prints `{"key": {"rival": microseconds}}` as JSON.

One thread, the work of `benches/src/<key>.rs`; each time is the median of rounds, after a warm-up.
"""

import json
import statistics
import sys
import time

try:
    import torch
    import torchmetrics
except ImportError as error:
    sys.exit(f"error: {error}: install torch and torchmetrics for {sys.executable}")

FEATURES, HIDDEN, CLASSES, BATCH, BATCHES = 64, 128, 10, 64, 16
LEARNING_RATE = 1e-7  # as in training.rs: so small that the work stays constant
SAMPLES, RING = 64, 16  # as in aggregate_us_per_leaf.rs
WARM_UP = 2


def per_step(work, steps, rounds):
    """Returns the microseconds per step of `work(steps)`."""
    times = []
    for _ in range(WARM_UP + rounds):
        start = time.perf_counter()
        work(steps)
        times.append(time.perf_counter() - start)
    return statistics.median(times[WARM_UP:]) / steps * 1e6


def training(loss, **adam):
    """Times a plain PyTorch loop with `loss(logits, target)`."""
    torch.manual_seed(0)
    batches = [(torch.randn(BATCH, FEATURES), torch.randint(CLASSES, (BATCH,))) for _ in range(BATCHES)]
    model = torch.nn.Sequential(
        torch.nn.Linear(FEATURES, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, **adam)

    def work(steps):
        for step in range(steps):
            inputs, target = batches[step % BATCHES]
            optimizer.zero_grad()
            loss(model(inputs), target).backward()
            optimizer.step()

    return per_step(work, steps=250, rounds=30)


def same_tensors(logits, target):
    nll = torch.nn.functional.cross_entropy(logits, target, reduction="none")
    _accuracy = logits.argmax(-1) == target
    return nll.mean()


def both_adams(loss):
    return {"PyTorch": training(loss), "PyTorch, fused Adam": training(loss, fused=True)}


def mean_metrics(leaves):
    """Times one `MeanMetric` per leaf, all updated in each step."""
    torch.manual_seed(0)
    ring = [[torch.rand(SAMPLES) for _ in range(leaves)] for _ in range(RING)]
    metrics = [torchmetrics.MeanMetric() for _ in range(leaves)]

    def work(steps):
        for step in range(steps):
            for metric, leaf in zip(metrics, ring[step % RING]):
                metric.update(leaf)
        for metric in metrics:
            metric.compute()
            metric.reset()

    return {"torchmetrics": per_step(work, steps=500, rounds=9) / leaves}


def worse():
    return {"torchmetrics": max(mean_metrics(leaves)["torchmetrics"] for leaves in (8, 32))}


RIVALS = {
    "step_overhead": lambda: both_adams(same_tensors),
    "step_total": lambda: both_adams(torch.nn.functional.cross_entropy),
    "aggregate_us_per_leaf": worse,
    "aggregate_us_per_leaf_8": lambda: mean_metrics(8),
    "aggregate_us_per_leaf_32": lambda: mean_metrics(32),
}


def main():
    torch.set_num_threads(1)
    numbers = {}
    for key in sys.argv[1:]:
        if key in RIVALS:
            print(f"{key} in Python", file=sys.stderr)
            numbers[key] = RIVALS[key]()
    print(json.dumps(numbers))


if __name__ == "__main__":
    main()
