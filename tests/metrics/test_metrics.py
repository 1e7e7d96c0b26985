"""Metrics against scikit-learn and against their formulas."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pingouin  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics  # type: ignore[import-untyped]

from affectflow.metrics.agreement import Agreement, agree, terms
from affectflow.metrics.calibration import (
    calibration_error_of_bins,
    expected_by_chance,
    expected_calibration_error,
    reliability_bins,
    residuals_per_bin,
)
from affectflow.metrics.decision import Decision, best_threshold, decide, outcomes
from affectflow.metrics.jackknife import CORRELATION, ERROR, PLAIN, SHARE, Jackknife, Scale, holm
from affectflow.metrics.ranking import average_precision, pairs_within, rankings_without_each, roc_auc

Case = tuple[NDArray[np.bool_], NDArray[np.float64]]
few_values = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])  # many ties
probabilities = few_values | st.floats(0, 1, width=32)


def cases(scores: st.SearchStrategy[float], min_size: int = 1) -> st.SearchStrategy[Case]:
    pairs = st.lists(st.tuples(st.booleans(), scores), min_size=min_size, max_size=40)
    return pairs.map(lambda drawn: (np.array([t for t, _ in drawn]), np.array([s for _, s in drawn])))


@given(cases(probabilities))
def test_rankings(case: Case) -> None:
    truth, score = case
    if truth.any():
        assert average_precision(truth, score) == pytest.approx(metrics.average_precision_score(truth, score), abs=1e-9)
    else:
        assert math.isnan(average_precision(truth, score))
    if truth.any() and not truth.all():
        assert roc_auc(truth, score) == pytest.approx(metrics.roc_auc_score(truth, score), abs=1e-9)
    else:
        assert math.isnan(roc_auc(truth, score))


@given(cases(probabilities), probabilities)
def test_decisions(case: Case, threshold: float) -> None:
    truth, score = case
    called = score >= threshold
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = metrics.precision_recall_fscore_support(truth, called, average="binary", zero_division=0)
    got = decide(truth, score, threshold)
    assert (got.precision, got.recall, got.f1) == pytest.approx(expected[:3], abs=1e-9)
    assert got.accuracy == pytest.approx(metrics.accuracy_score(truth, called), abs=1e-9)
    assert got.base_rate == pytest.approx(truth.mean(), abs=1e-9)
    assert got.f1_always_yes == pytest.approx(metrics.f1_score(truth, np.ones(len(truth)), zero_division=0), abs=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kappa, balanced = metrics.cohen_kappa_score(truth, called), metrics.balanced_accuracy_score(truth, called)
    assert got.kappa == pytest.approx(kappa, abs=1e-9, nan_ok=True)
    if truth.any() and not truth.all():
        assert got.balanced_accuracy == pytest.approx(balanced, abs=1e-9)
    else:
        assert math.isnan(got.balanced_accuracy)


def test_metrics_of_nothing_are_undefined() -> None:
    nothing = Decision.of([0, 0, 0, 0])
    assert (nothing.f1, nothing.precision, nothing.recall) == (0, 0, 0)
    assert np.isnan([nothing.accuracy, nothing.base_rate, nothing.kappa, nothing.balanced_accuracy]).all()


def best_f1(truth: NDArray[np.bool_], score: NDArray[np.floating]) -> float:
    return max(float(metrics.f1_score(truth, score >= threshold)) for threshold in np.unique(score))


@given(cases(probabilities))
def test_best_threshold_reaches_the_best_f1(case: Case) -> None:
    truth, score = case
    threshold = best_threshold(truth, score)
    if not truth.any():
        assert threshold == 0.5
        return
    assert decide(truth, score, threshold).f1 == pytest.approx(best_f1(truth, score), abs=1e-9)


def test_best_threshold_between_neighbouring_float32_scores() -> None:
    low = np.nextafter(np.nextafter(np.float32(1), np.float32(0)), np.float32(0))
    score = np.array([np.nextafter(low, np.float32(1)), low], np.float32)
    truth = np.array([True, False])
    assert decide(truth, score, best_threshold(truth, score)).f1 == 1


def test_a_large_ranking() -> None:
    draw = np.random.default_rng(0)
    truth = draw.random(5000) < 0.05
    score = np.round(draw.random(5000) * 0.6 + 0.4 * truth, 2)
    assert roc_auc(truth, score) == pytest.approx(metrics.roc_auc_score(truth, score), abs=1e-9)
    assert average_precision(truth, score) == pytest.approx(metrics.average_precision_score(truth, score), abs=1e-9)
    assert decide(truth, score, best_threshold(truth, score)).f1 == pytest.approx(best_f1(truth, score), abs=1e-9)


unit_floats = st.floats(-1, 1).map(lambda value: round(value, 6))


@given(st.lists(st.tuples(unit_floats, unit_floats), min_size=1, max_size=40))
def test_concordance_is_its_formula(pairs: list[tuple[float, float]]) -> None:
    x, y = (np.array(column) for column in zip(*pairs, strict=True))
    n = len(pairs)
    mean_x, mean_y = math.fsum(x) / n, math.fsum(y) / n
    covariance = math.fsum((a - mean_x) * (b - mean_y) for a, b in pairs) / n
    spread = math.fsum((a - mean_x) ** 2 for a in x) / n + math.fsum((b - mean_y) ** 2 for b in y) / n
    denominator = spread + (mean_x - mean_y) ** 2
    if denominator > 1e-12:
        assert agree(x, y).ccc == pytest.approx(2 * covariance / denominator, abs=1e-9)
        assert agree(y, x).ccc == pytest.approx(agree(x, y).ccc, abs=1e-12)


@pytest.mark.parametrize(
    "x, y, ccc",
    [
        ([0, 1], [0, 1], 1),
        ([0, 1], [1, 0], -1),
        ([0, 1], [0.5, 0.5], 0),
        ([0, 0], [1, 1], 0),
        ([], [], math.nan),
        ([0.3], [0.3], math.nan),
        ([0.1] * 3, [0.1] * 3, math.nan),
    ],
)
def test_concordance_at_the_edges(x: list[float], y: list[float], ccc: float) -> None:
    assert agree(x, y).ccc == pytest.approx(ccc, nan_ok=True)


Pairs = tuple[NDArray[np.float64], NDArray[np.float64]]
tracks = st.lists(st.tuples(unit_floats, unit_floats), min_size=2, max_size=40).map(
    lambda pairs: tuple(np.array(column) for column in zip(*pairs, strict=True))
)


@given(tracks)
def test_agreement(pairs: Pairs) -> None:
    x, y = pairs
    got = agree(x, y)
    assert got.mae == pytest.approx(metrics.mean_absolute_error(x, y), abs=1e-9)
    assert got.mse == pytest.approx(metrics.mean_squared_error(x, y), abs=1e-9)
    assert got.rmse == pytest.approx(metrics.root_mean_squared_error(x, y), abs=1e-9)
    assert got.sign_agreement == pytest.approx(np.mean([math.copysign(a != 0, a) == math.copysign(b != 0, b)
                                                        for a, b in zip(x, y, strict=True)]), abs=1e-9)  # fmt: skip
    if np.std(x) > 1e-3 and np.std(y) > 1e-3:  # SciPy itself loses digits below
        assert got.pcc == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-9)
    if np.std(x + y) > 1e-3 and np.std(x - y) > 1e-3:
        assert got.icc == pytest.approx(_icc_of_pingouin(x, y), abs=1e-9)


def _icc_of_pingouin(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """ICC(3,1); more targets than Hypothesis draws do not change it, and pingouin wants five."""
    x, y = np.tile(x, 5), np.tile(y, 5)
    table = pd.DataFrame(
        {
            "target": np.tile(np.arange(len(x)), 2),
            "rater": np.repeat(["x", "y"], len(x)),
            "rating": np.concatenate([x, y]),
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pingouin.intraclass_corr(table, "target", "rater", "rating").set_index("Type")["ICC"]
    return float(found[next(name for name in found.index if name in ("ICC3", "ICC(C,1)"))])


def test_a_constant_track_correlates_with_nothing() -> None:
    x = np.full(7, 0.1)
    y = np.arange(7) / 10
    assert agree(x, y).pcc == agree(y, x).pcc == agree(x, y).icc == 0
    assert math.isnan(agree(x, x + 0.2).pcc)
    assert math.isnan(agree(x, x + 0.2).icc)
    assert np.isnan([agree([], []).mae, agree([], []).pcc, agree([], []).icc, agree([], []).sign_agreement]).all()


def _clustered(clusters: int, frames: int = 300, seed: int = 3) -> tuple[Case, NDArray[np.str_]]:
    rng = np.random.default_rng(seed)
    truth = rng.random(frames) < 0.3
    score = np.round(np.clip(0.5 * rng.random(frames) + 0.3 * truth, 0, 1), 2)
    return (truth, score), np.array([f"s{i:02d}" for i in rng.integers(clusters, size=frames)])


@pytest.mark.parametrize("clusters", [2, 9, 40])
def test_every_replicate_has_the_metric_of_its_frames(clusters: int) -> None:
    """Sums by group give what the frames of the others themselves give."""
    (truth, score), names = _clustered(clusters)
    jackknife = Jackknife(names)
    decisions = Decision.of(jackknife.without_each(jackknife.sums(outcomes(truth, score >= 0.5))))
    sums, offset = terms(truth, score)
    agreements = Agreement.of(jackknife.without_each(jackknife.sums(sums)), offset)
    aucs, precisions = rankings_without_each(truth, score, jackknife.codes, jackknife)
    errors = expected_calibration_error(
        jackknife.without_each(jackknife.sums(residuals_per_bin(truth, score))), decisions.frames
    )
    for i, name in enumerate(sorted(set(names))):
        t, s = truth[names != name], score[names != name]
        assert decisions.f1[i] == pytest.approx(metrics.f1_score(t, s >= 0.5, zero_division=0), abs=1e-9)
        assert decisions.kappa[i] == pytest.approx(metrics.cohen_kappa_score(t, s >= 0.5), abs=1e-9, nan_ok=True)
        assert aucs[i] == pytest.approx(metrics.roc_auc_score(t, s), abs=1e-9)
        assert precisions[i] == pytest.approx(metrics.average_precision_score(t, s), abs=1e-9)
        assert agreements.pcc[i] == pytest.approx(stats.pearsonr(t, s).statistic, abs=1e-9)
        assert agreements.ccc[i] == pytest.approx(agree(t, s).ccc, abs=1e-9)
        assert errors[i] == pytest.approx(_calibration_error(t, s), abs=1e-9)


def test_the_calibration_error_of_a_perfect_model() -> None:
    rng = np.random.default_rng(0)
    probability = rng.beta(1, 4, 800)
    errors = []
    for _ in range(300):
        truth = rng.random(800) < probability
        errors.append(calibration_error_of_bins(reliability_bins(truth, probability)))
    assert expected_by_chance(probability) == pytest.approx(np.mean(errors), rel=0.05)
    assert expected_by_chance(np.tile(probability, 100)) == pytest.approx(expected_by_chance(probability) / 10)
    assert math.isnan(expected_by_chance([]))


def _calibration_error(truth: NDArray[np.bool_], probability: NDArray[np.float64]) -> float:
    total = 0.0
    for low in range(10):
        inside = [i for i, p in enumerate(probability) if low == min(int(p * 10), 9)]
        if inside:
            total += len(inside) / len(truth) * abs(float(np.mean(truth[inside])) - float(np.mean(probability[inside])))
    return total


def _mean_interval(values: NDArray[np.float64], names: Sequence[str]) -> tuple[float, float]:
    """The interval of a mean, whose jackknife is that of the textbook."""
    jackknife = Jackknife(names)
    sums = jackknife.without_each(jackknife.sums(np.stack([values, np.ones(len(values))], axis=-1)))
    found = jackknife.interval(float(values.mean()), sums[:, 0] / sums[:, 1], PLAIN)
    assert not isinstance(found, str)
    return found


def test_the_interval_of_a_mean_is_students() -> None:
    names = [f"{i:02d}" for i in range(30)]
    values = np.random.default_rng(5).uniform(0, 1, 30)  # light tails, so that all degrees of freedom count
    expected = stats.t.interval(0.95, 29, values.mean(), stats.sem(values))
    assert _mean_interval(values, names) == pytest.approx(expected, abs=1e-9)
    values[0] = 20.0  # one that decides is as good as none
    low, high = _mean_interval(values, names)
    expected = stats.t.interval(0.95, 29, values.mean(), stats.sem(values))
    assert high - low > 1.5 * (expected[1] - expected[0])


def test_intervals_widen_where_frames_of_a_subject_are_alike() -> None:
    """Ten subjects of 100 equal frames each say no more than ten frames."""
    right = np.repeat(np.random.default_rng(0).random(10) < 0.7, 100).astype(float)
    width = {}
    for name, names in (("subject", np.repeat(np.arange(10).astype(str), 100)), ("frame", np.arange(1000).astype(str))):
        low, high = _mean_interval(right, names)
        assert low <= right.mean() <= high
        width[name] = high - low
    assert width["subject"] > 5 * width["frame"]


def test_many_clusters_are_left_out_in_groups() -> None:
    values = np.random.default_rng(1).normal(0, 1, 20_000)
    names = [str(i) for i in range(20_000)]
    jackknife = Jackknife(names)
    assert (jackknife.clusters, jackknife.count) == (20_000, 200)
    assert set(np.bincount(jackknife.codes)) == {100}
    low, high = _mean_interval(values, names)
    assert (high - low) / 2 == pytest.approx(1.96 / 20_000**0.5, rel=0.15)
    assert (Jackknife(names).codes == jackknife.codes).all()


@pytest.mark.parametrize("scale", [PLAIN, SHARE, CORRELATION, ERROR])
def test_scales_return_and_have_their_slope(scale: Scale) -> None:
    for value in (0.05, 0.4, 0.93):
        assert scale.back(scale.to(value)) == pytest.approx(value)
        slope = (scale.to(value + 1e-6) - scale.to(value - 1e-6)) / 2e-6
        assert scale.slope(value) == pytest.approx(slope, rel=1e-4)


def test_bounded_metrics_have_bounded_intervals() -> None:
    jackknife = Jackknife(["a", "b", "c"])
    replicates = np.array([0.9, 0.99, 0.4])
    for estimate in (0.0, 0.02, 0.5, 0.98, 1.0):
        found = jackknife.interval(estimate, replicates, SHARE)
        assert not isinstance(found, str) and 0 <= found[0] <= estimate <= found[1] <= 1
    found = jackknife.interval(0.98, replicates, CORRELATION)
    assert not isinstance(found, str) and -1 <= found[0] < 0 < found[1] <= 1
    found = jackknife.interval(2.5, replicates, ERROR)
    assert not isinstance(found, str) and 0 < found[0] < 2.5 < found[1]


def test_p_values_agree_with_intervals() -> None:
    rng = np.random.default_rng(2)
    names = [f"{i:02d}" for i in range(20)]
    jackknife = Jackknife(names)
    for shift in np.linspace(-1.2, 1.2, 25):
        values = rng.normal(shift, 1, 20)
        replicates = (values.sum() - values) / 19
        found = jackknife.interval(float(values.mean()), replicates, PLAIN)
        assert not isinstance(found, str)
        assert (jackknife.p_value(float(values.mean()), replicates) < 0.05) == (not found[0] <= 0 <= found[1])
    assert jackknife.p_value(0.0, np.zeros(20)) == 1.0
    assert math.isnan(jackknife.p_value(0.1, np.full(20, np.nan)))


def test_holms_correction() -> None:
    assert holm([0.01, 0.04, 0.03, math.nan]) == pytest.approx([0.03, 0.06, 0.06, math.nan], nan_ok=True)
    assert holm([]) == [] and holm([0.6, 0.7]) == [1.0, 1.0]


def test_what_rests_on_few_has_a_wider_interval_and_on_one_none() -> None:
    jackknife = Jackknife([f"s{i}" for i in range(10)])
    replicates = np.linspace(0.4, 0.6, 10)
    widths = {}
    for holders in (2, 5, 10):
        found = jackknife.interval(0.5, replicates, PLAIN, holders)
        assert not isinstance(found, str)
        widths[holders] = found[1] - found[0]
    assert widths[2] > 4 * widths[5] > 4 * widths[10]
    assert jackknife.interval(0.5, replicates, SHARE, 1) == "rests on a single one of what is resampled"
    assert jackknife.interval(0.5, np.full(10, 0.5), SHARE) == "does not vary"
    assert jackknife.interval(0.0, np.zeros(10), PLAIN) == (0.0, 0.0)
    assert jackknife.interval(math.nan, replicates, SHARE) == "undefined"
    replicates[3] = math.nan
    assert jackknife.interval(0.5, replicates, SHARE) == "undefined without a single one of what is resampled"
    assert "single one" in str(Jackknife(["s"] * 5).interval(0.5, np.array([math.nan]), SHARE))


@given(st.lists(st.tuples(st.booleans(), few_values, st.integers(0, 3)), min_size=1, max_size=40))
def test_pairs_within_groups_are_those_counted_one_by_one(frames: list[tuple[bool, float, int]]) -> None:
    right, possible = np.zeros(5), np.zeros(5)
    for truth, score, group in frames:
        for other_truth, other_score, other_group in frames:
            if truth and not other_truth and group == other_group:
                possible[group] += 1
                right[group] += (score > other_score) + (score == other_score) / 2
    truths, scores, codes = (np.array(column) for column in zip(*frames, strict=True))
    found = pairs_within(truths, scores, codes, 5)
    np.testing.assert_allclose(found, (right, possible))
