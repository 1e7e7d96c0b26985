"""Measures against scikit-learn and against their formulas."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics  # type: ignore[import-untyped]

from affectflow.measures.concordance import concordance
from affectflow.measures.decision import best_threshold, decide
from affectflow.measures.ranking import average_precision, roc_auc

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


def best_f1(truth: NDArray[np.bool_], score: NDArray[np.floating]) -> float:
    return max(float(metrics.f1_score(truth, score >= cut)) for cut in np.unique(score))


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
        assert concordance(x, y) == pytest.approx(2 * covariance / denominator, abs=1e-9)
        assert concordance(y, x) == pytest.approx(concordance(x, y), abs=1e-12)


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
    assert concordance(x, y) == pytest.approx(ccc, nan_ok=True)
