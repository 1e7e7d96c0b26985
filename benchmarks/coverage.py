"""How often 95% intervals of scores hold the true value, in simulated benchmarks.

``make bench-coverage`` draws 2,000 benchmarks each of 9, 27 and 100 people, of 12 action units with base rates of 0.5
to 45 %, and of valence, scores them with the project's own metrics, and counts how often the interval holds the value
that a very large benchmark of the same kind gives. The percentile interval of a bootstrap over people is computed on
the same benchmarks for comparison. People differ in how often they show an AU (a standard deviation of 1 on the logit),
in how well the model reads them, and in a bias of its outputs.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from affectflow.evaluation.results import Estimates, MetricResult, affect_metrics, means, occurrence_metrics, scale_of
from affectflow.metrics.agreement import agree
from affectflow.metrics.decision import decide
from affectflow.metrics.jackknife import PLAIN, Jackknife
from affectflow.metrics.ranking import roc_auc

PEOPLE = (9, 27, 100)
FRAMES = 60
"""Of each person."""
BASE_RATES = np.array([0.005, 0.02, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.35, 0.45])
SKILLS = np.linspace(0.9, 2.0, len(BASE_RATES))[np.random.default_rng(3).permutation(len(BASE_RATES))]
_MEANS = {"mean F1": "f1", "mean AUC": "auc"}
_RARE = "AUC of the rarest AU"
_DIFFERENCE = "difference of mean F1"
_VALENCE = "valence CCC"
_BOOTSTRAP = "mean F1, bootstrap percentiles"
_SAMPLES = 1000  # of the bootstrap
_OF_VALENCE = 10  # draws for each of occurrence: they take little time, and make the figure more exact
_AT_ONCE = 25  # benchmarks in a task
_LARGE = 12_000  # people

Benchmark = tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.float32]]
"""Truth and the probabilities of two models, [people, frames, AUs] each."""


def benchmark(rng: np.random.Generator, people: int) -> Benchmark:
    """Draw a benchmark of occurrence."""
    units = len(BASE_RATES)
    often = rng.normal(0, 1, (people, 1, units)) + rng.normal(0, 0.4, (people, 1, 1))
    truth = rng.random((people, FRAMES, units)) < expit(logit(BASE_RATES) + often)
    skill = SKILLS + rng.normal(0, 0.4, (people, 1, units))
    bias, noise = rng.normal(0, 0.5, (people, 1, units)), rng.normal(0, 1, truth.shape)
    other_bias, other_noise = rng.normal(0, 0.3, (people, 1, units)), rng.normal(0, 1, truth.shape)
    middle = SKILLS / 2 + 0.35
    one = skill * truth + bias + noise - middle
    other = 0.85 * SKILLS * truth + 0.8 * (bias + noise) + 0.6 * other_noise + other_bias - middle
    return truth, expit(one).astype(np.float32), expit(other).astype(np.float32)


def valence(rng: np.random.Generator, people: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw labels and predictions of valence, [people, frames] each: slow waves around a level of each person's."""

    def wave(share: float) -> NDArray[np.float64]:
        steps = rng.normal(0, 1, (people, FRAMES))
        values = np.empty_like(steps)
        values[:, 0] = steps[:, 0]
        for i in range(1, FRAMES):
            values[:, i] = share * values[:, i - 1] + np.sqrt(1 - share**2) * steps[:, i]
        return values

    label = rng.normal(0, 0.35, (people, 1)) + 0.25 * wave(0.95)
    slope = np.clip(rng.normal(0.6, 0.25, (people, 1)), 0, None)
    return label, slope * label + rng.normal(0, 0.2, (people, 1)) + 0.2 * wave(0.9)


def true_values() -> dict[str, NDArray[np.float64] | float]:
    """Return each metric of a very large benchmark; those of AUs one by one."""
    rng = np.random.default_rng(99)
    truth, one, other = benchmark(rng, _LARGE)
    columns = [tuple(array[..., unit].ravel() for array in (truth, one, other)) for unit in range(len(BASE_RATES))]
    f1, other_f1 = (np.array([float(decide(c[0], c[i], 0.5).f1) for c in columns]) for i in (1, 2))
    label, predicted = valence(rng, _LARGE)
    return {
        "f1": f1,
        "auc": np.array([roc_auc(c[0], c[1]) for c in columns]),
        "difference": f1 - other_f1,
        "ccc": float(agree(label.ravel(), predicted.ravel()).ccc),
    }


def covered(people: int, seed: int, count: int, true: dict[str, NDArray[np.float64] | float]) -> dict[str, list[int]]:
    """Return for each figure how often the interval held the true value, did not, and was absent."""
    rng = np.random.default_rng([people, seed])
    names = np.repeat([f"{i:03}" for i in range(people)], FRAMES)
    jackknife = Jackknife(names)
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])

    def count_in(name: str, interval: tuple[float, float] | str, value: float) -> None:
        place = 2 if isinstance(interval, str) else 0 if interval[0] <= value <= interval[1] else 1
        found[name][place] += 1

    for _ in range(count):
        truth, one, other = benchmark(rng, people)
        shown = [unit for unit in range(len(BASE_RATES)) if truth[..., unit].any()]
        results, others = (_scores(truth, outputs, shown, jackknife) for outputs in (one, other))
        mean, other_mean = (means(each, _MEANS) for each in (results, others))
        for name, metric in _MEANS.items():
            value = float(np.asarray(true[metric])[shown].mean())
            count_in(name, _interval(mean, name, jackknife), value)
        difference = float(np.asarray(true["difference"])[shown].mean())
        estimate = mean.values["mean F1"] - other_mean.values["mean F1"]
        replicates = mean.replicates["mean F1"] - other_mean.replicates["mean F1"]
        count_in(_DIFFERENCE, jackknife.interval(estimate, replicates, PLAIN), difference)
        if 0 in shown:
            count_in(_RARE, _interval(results[0], "auc", jackknife), float(np.asarray(true["auc"])[0]))
        for _ in range(_OF_VALENCE):
            label, predicted = (array.ravel() for array in valence(rng, people))
            affect = affect_metrics(label, predicted, np.ones(len(names), bool), jackknife)
            count_in(_VALENCE, _interval(affect, "ccc", jackknife), float(np.asarray(true["ccc"])))
        value = float(np.asarray(true["f1"])[shown].mean())
        count_in(_BOOTSTRAP, _percentiles(rng, truth[..., shown], one[..., shown]), value)
    return dict(found)


def _scores(
    truth: NDArray[np.bool_], outputs: NDArray[np.float32], shown: Sequence[int], jackknife: Jackknife
) -> list[MetricResult]:
    rows = np.ones(truth[..., 0].size, bool)
    return [
        occurrence_metrics(truth[..., unit].ravel(), outputs[..., unit].ravel(), 0.5, None, rows, jackknife)
        for unit in shown
    ]


def _interval(estimates: Estimates, name: str, jackknife: Jackknife) -> tuple[float, float] | str:
    scale = scale_of(_MEANS.get(name, name))
    return jackknife.interval(estimates.values[name], estimates.replicates[name], scale, estimates.holders.get(name))


def _percentiles(
    rng: np.random.Generator, truth: NDArray[np.bool_], outputs: NDArray[np.float32]
) -> tuple[float, float]:
    """Return the percentile interval of mean F1 of a bootstrap over people."""
    people, predicted = len(truth), outputs >= 0.5
    cells = np.stack([(truth & predicted).sum(1), (truth ^ predicted).sum(1)], axis=-1).astype(float)
    weights = rng.multinomial(people, np.full(people, 1 / people), _SAMPLES).astype(float)
    right, wrong = np.moveaxis(np.einsum("sp,puk->suk", weights, cells), -1, 0)
    total = 2 * right + wrong
    f1 = np.divide(2 * right, total, out=np.zeros_like(total), where=total > 0).mean(axis=1)
    low, high = np.quantile(f1, [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmarks", type=int, default=2000, help="of each size")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    true = true_values()
    tasks = range(0, options.benchmarks, _AT_ONCE)
    error = (0.95 * 0.05 / options.benchmarks) ** 0.5
    print(f"{options.benchmarks:,} benchmarks a figure; the standard error of 0.95 is {error:.4f}")
    print(f"{'':32}" + "".join(f"{people:>8} people" for people in PEOPLE))
    shares: dict[str, list[str]] = defaultdict(list)
    with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
        for people in PEOPLE:
            counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
            jobs = [
                pool.submit(covered, people, start, min(_AT_ONCE, options.benchmarks - start), true) for start in tasks
            ]
            for job in jobs:
                for name, one in job.result().items():
                    counts[name] = [a + b for a, b in zip(counts[name], one, strict=True)]
            for name, (held, missed, absent) in counts.items():
                without = f" ({absent / (held + missed + absent):.0%} without)" if absent else ""
                shares[name].append(f"{held / max(1, held + missed):.3f}{without}")
    for name, each in shares.items():
        print(f"{name:32}" + "".join(f"{one:>15}" for one in each))


if __name__ == "__main__":
    main()
