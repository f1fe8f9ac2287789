"""Writes tests/figures/clipping.json: what PyTorch's clipping makes of gradients, to compare booster's with.

    pip install torch==2.13.0 numpy && python3 tests/python/clipping.py
"""

import json
import pathlib

import torch

GRADIENTS = [[0.5, -3.0, 0.0], [[2.0, 1e-3], [-7.5, 4.0]], [1e-4]]


def gradients(factor, kind):
    parameters = [torch.zeros_like(torch.tensor(values), dtype=kind) for values in GRADIENTS]
    for parameter, values in zip(parameters, GRADIENTS):
        parameter.grad = torch.tensor(values, dtype=kind) * factor
    return parameters


def case(factor, most, clip):
    parameters = gradients(factor, torch.float32)
    norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in parameters])
    clip(parameters, most)
    clipped = [parameter.grad.flatten().tolist() for parameter in parameters]
    return {"factor": factor, "most": most, "norm": norm.item(), "clipped": clipped}


figures = {
    "gradients": GRADIENTS,
    "norm": [
        case(factor, most, torch.nn.utils.clip_grad_norm_)
        for factor in [1.0, 1e-3, 1e4]
        for most in [1.0, 9.0, 1e-3, 100.0]
    ],
    "value": [
        case(factor, most, torch.nn.utils.clip_grad_value_) for factor in [1.0, 1e4] for most in [1.0, 3.0, 1e-3]
    ],
}
path = pathlib.Path(__file__).parent.parent / "figures" / "clipping.json"
path.write_text(json.dumps(figures) + "\n")
