"""Runs small cases with the libraries that people train with today, and prints one JSON line for each.

A line has `key`, `tool` with its version, and either `number` or `failed`.
"""

import importlib.metadata
import json
import logging
import os
import socket
import tempfile
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")


def line(key, package, case):
    try:
        tool = f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        print(json.dumps({"key": key, "tool": package, "failed": "not installed"}), flush=True)
        return
    try:
        answer = {"number": float(case())}
    except Exception as error:
        answer = {"failed": f"{type(error).__name__}: {error}"}
    print(json.dumps({"key": key, "tool": tool, **answer}), flush=True)


def lightning_mean(batches, value):
    """The mean that Lightning logs for a validation epoch."""
    import lightning
    import torch

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(()))

        def validation_step(self, batch, _):
            self.log("value", value(batch))

    trainer = lightning.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False
    )
    loader = torch.utils.data.DataLoader(batches, batch_size=None)
    return trainer.validate(Module(), loader, verbose=False)[0]["value"]


def short_last_batch():
    import torch

    # [time, samples], as PyTorch's recurrent layers take them.
    batches = [torch.ones(3, 4), torch.ones(3, 4), torch.full((3, 2), 7.0)]
    return lightning_mean(batches, lambda batch: batch.mean())


def ratio():
    import torch

    # Of each prediction, whether it is positive, and whether it is right.
    one = torch.tensor([[1.0, 1.0]] + [[0.0, 0.0]] * 8)
    nine = torch.tensor([[1.0, 1.0]] + [[1.0, 0.0]] * 8)
    return lightning_mean([one, nine], lambda batch: batch[:, 1].sum() / batch[:, 0].sum())


def masked_mean():
    import jax.numpy as jnp
    from flax import nnx

    average = nnx.metrics.Average()
    average.update(values=jnp.arange(6.0).reshape(2, 3), mask=jnp.array([True, False, True]))
    return average.compute()


def accumulation():
    import torch
    import transformers

    transformers.logging.set_verbosity_error()

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(()))

        def forward(self, values, labels):
            # The gradient is minus the mean of the values that are not padding.
            kept = labels != -100
            return {"loss": -self.weight * values[kept].mean()}

    data = [
        {"values": torch.tensor([1.0, 1.0, 1.0]), "labels": torch.tensor([0, 0, 0])},
        {"values": torch.tensor([7.0, 0.0, 0.0]), "labels": torch.tensor([0, -100, -100])},
    ]
    with tempfile.TemporaryDirectory() as folder:
        arguments = transformers.TrainingArguments(
            folder, per_device_train_batch_size=1, gradient_accumulation_steps=2, max_steps=1, learning_rate=1.0,
            optim="sgd", lr_scheduler_type="constant", max_grad_norm=0.0, use_cpu=True, report_to=[],
            save_strategy="no", logging_strategy="no", disable_tqdm=True,
        )
        model = Model()
        transformers.Trainer(model, arguments, train_dataset=data).train()
        return model.weight.item()


def rank(rank, port, answer):
    import torch
    import torch.distributed as dist

    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(model.weight)
    parallel = torch.nn.parallel.DistributedDataParallel(model)
    values = torch.ones(4, 1) if rank == 0 else torch.full((2, 1), 7.0)
    (-parallel(values)).mean().backward()
    dist.barrier()
    if rank == 0:
        answer.put(-model.weight.grad.item())


def unequal_ranks():
    import torch.multiprocessing as processes

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = processes.get_context("spawn")
    answer = context.SimpleQueue()
    ranks = [context.Process(target=rank, args=(each, port, answer), daemon=True) for each in range(2)]
    for process in ranks:
        process.start()
    number = answer.get()
    # Some versions of Gloo abort at the end of a process.
    for process in ranks:
        process.kill()
    return number


def reads_per_step():
    import torch
    import torchmetrics
    from torch.utils._python_dispatch import TorchDispatchMode

    class Reads(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
            self.count += function in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.is_nonzero.default)
            return function(*arguments, **(keywords or {}))

    metric = torchmetrics.MeanMetric()
    with Reads() as reads:
        metric.update(torch.ones(4))
    return reads.count


if __name__ == "__main__":
    line("short_last_batch", "lightning", short_last_batch)
    line("ratio", "lightning", ratio)
    line("masked_mean", "flax", masked_mean)
    line("accumulation", "transformers", accumulation)
    line("unequal_ranks", "torch", unequal_ranks)
    line("reads_per_step", "torchmetrics", reads_per_step)
