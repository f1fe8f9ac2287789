"""Writes tests/figures/optimizers.json: where PyTorch's optimizers get to in 100 steps, to compare booster's with.

    pip install torch==2.15.0 numpy && python3 tests/python/optimizers.py
"""

import json
import pathlib

import torch

STEPS = 100
START = {"weight": [[0.5, -1.5, 2.0], [-0.25, 1.0, -3.0]], "bias": [0.1, -0.2]}


def gradient(parameter, step):
    """Booster's test computes the same."""
    return torch.sin(parameter * 3 + step * 0.7) + 0.3 * parameter


def case(build, kind):
    parameters = {name: torch.tensor(values, dtype=kind, requires_grad=True) for name, values in START.items()}
    groups = [
        {"params": [parameters["weight"]]},
        # Without weight decay, at a learning rate of its own.
        {"params": [parameters["bias"]], "weight_decay": 0.0, "lr": 0.02},
    ]
    optimizer = build(groups)
    for step in range(STEPS):
        for parameter in parameters.values():
            parameter.grad = gradient(parameter.detach(), step)
        optimizer.step()
    state = {
        name: {key: value.tolist() for key, value in optimizer.state[parameter].items() if value is not None}
        for name, parameter in parameters.items()
    }
    return {"parameters": {name: parameter.tolist() for name, parameter in parameters.items()}, "state": state}


CASES = {
    "sgd": lambda groups: torch.optim.SGD(groups, lr=0.05),
    "sgd_momentum": lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9, weight_decay=0.1),
    "sgd_nesterov": lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.1),
    "sgd_dampening": lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9, dampening=0.4, weight_decay=0.1),
    "adam": lambda groups: torch.optim.Adam(groups, lr=0.05),
    "adam_decay": lambda groups: torch.optim.Adam(groups, lr=0.05, weight_decay=0.1, betas=(0.8, 0.95), eps=1e-4),
    "adam_amsgrad": lambda groups: torch.optim.Adam(groups, lr=0.05, weight_decay=0.1, amsgrad=True),
    "adamw": lambda groups: torch.optim.AdamW(groups, lr=0.05),
    "adamw_amsgrad": lambda groups: torch.optim.AdamW(groups, lr=0.05, weight_decay=0.2, amsgrad=True),
}
figures = {name: case(build, torch.float64) for name, build in CASES.items()}
path = pathlib.Path(__file__).parent.parent / "figures" / "optimizers.json"
path.write_text(json.dumps(figures) + "\n")
