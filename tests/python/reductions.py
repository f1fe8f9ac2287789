"""Writes tests/figures/reductions.json: what numpy makes of some values, to compare booster's reductions with.

    pip install numpy && python3 tests/python/reductions.py
"""

import json
import pathlib

import numpy as np

generator = np.random.default_rng(7)
values = np.exp(generator.normal(size=1000)).astype(np.float32).astype(np.float64)
weights = np.round(generator.uniform(0, 3, size=1000), 3) * (generator.uniform(size=1000) > 0.2)
rows = generator.normal(size=(1000, 3)).astype(np.float32).astype(np.float64)


def weighted_quantile(rank):
    return float(np.quantile(values, rank, method="inverted_cdf", weights=weights))


def ema(series, decay):
    average, correction = 0.0, 1.0
    for value in series:
        average = decay * average + (1 - decay) * value
        correction *= decay
    return average / (1 - correction)


mean = np.average(values, weights=weights)
figures = {
    "values": values.tolist(),
    "weights": weights.tolist(),
    "rows": rows.ravel().tolist(),
    "plain": {
        "mean": values.mean(),
        "sum": values.sum(),
        "min": values.min(),
        "max": values.max(),
        "last": values[-1],
        "count": len(values),
        "std": values.std(),
        "var": values.var(),
        "p50": np.quantile(values, 0.5, method="inverted_cdf"),
        "p95": np.quantile(values, 0.95, method="inverted_cdf"),
        "p99_9": np.quantile(values, 0.999, method="inverted_cdf"),
        "ema": ema(values, 0.99),
    },
    "weighted": {
        "mean": mean,
        "sum": (values * weights).sum(),
        "min": values[weights > 0].min(),
        "max": values[weights > 0].max(),
        "last": values[weights > 0][-1],
        "count": weights.sum(),
        "std": np.sqrt(np.average((values - mean) ** 2, weights=weights)),
        "var": np.average((values - mean) ** 2, weights=weights),
        "p50": weighted_quantile(0.5),
        "p95": weighted_quantile(0.95),
        "p99_9": weighted_quantile(0.999),
    },
    "mean_dims": rows.mean(axis=0).tolist(),
    "mean_dims_weighted": np.average(rows, axis=0, weights=weights).tolist(),
    "histogram": np.histogram(values, bins=20, range=(0, 5))[0].tolist(),
    "histogram_weighted": np.histogram(values, bins=20, range=(0, 100), weights=weights)[0].tolist(),
    "above": int((values > 5).sum()),
    "sum_squares": (values**2).sum(),
}
path = pathlib.Path(__file__).parent.parent / "figures" / "reductions.json"
path.write_text(json.dumps(figures, default=float) + "\n")
