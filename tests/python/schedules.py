"""Writes tests/figures/schedules.json: the learning rates of PyTorch's schedulers, to compare booster's with.

    pip install torch==2.13.0 numpy && python3 tests/python/schedules.py
"""

import json
import pathlib

import torch
from torch.optim import lr_scheduler


def rates(base, steps, make, **arguments):
    """The rate of each step, beginning with that before the scheduler's first."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
    scheduler = make(optimizer, **arguments)
    found = []
    for step in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        if step + 1 < steps:
            optimizer.step()
            scheduler.step()
    return found


def one_cycle(steps, **arguments):
    return rates(0.1, steps, lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=steps, **arguments)


def warm_up_and_cosine(optimizer):
    warm_up = lr_scheduler.LinearLR(optimizer, start_factor=0.25, end_factor=1.0, total_iters=10)
    cosine = lr_scheduler.CosineAnnealingLR(optimizer, T_max=40, eta_min=0.01)
    return lr_scheduler.SequentialLR(optimizer, [warm_up, cosine], milestones=[10])


figures = {
    "linear": rates(0.1, 60, lr_scheduler.LinearLR, start_factor=1.0, end_factor=0.2, total_iters=50),
    "cosine": rates(0.1, 51, lr_scheduler.CosineAnnealingLR, T_max=50, eta_min=0.01),
    "restarts": rates(0.1, 70, lr_scheduler.CosineAnnealingWarmRestarts, T_0=20, eta_min=0.01),
    "exponential": rates(0.1, 60, lr_scheduler.ExponentialLR, gamma=0.95),
    "staircase": rates(0.1, 60, lr_scheduler.StepLR, step_size=15, gamma=0.5),
    "warm_up": rates(0.1, 51, warm_up_and_cosine),
    "one_cycle": {
        "100": one_cycle(100),
        "25": one_cycle(25),
        "2": one_cycle(2),
        "1": one_cycle(1),
    },
    "own_cycle": one_cycle(40, pct_start=0.45, div_factor=10.0, final_div_factor=100.0),
}
path = pathlib.Path(__file__).parent.parent / "figures" / "schedules.json"
path.write_text(json.dumps(figures) + "\n")
