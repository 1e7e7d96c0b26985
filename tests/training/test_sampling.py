"""Batches of several data sets, each task in each of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from affectflow.core.errors import UserError
from affectflow.training.sampling import Mixture

UNITS, AFFECT = "action_units", "valence_arousal"


def mixed(batch: int = 16, shares: dict[str, float] | None = None, seed: int = 0) -> tuple[Mixture, np.ndarray]:
    """900 images with AUs, 40 of them with valence and arousal too; 60 of videos with these alone; 10 with nothing."""
    datasets = ["emotionet"] * 900 + ["affwild"] * 60 + ["emotionet"] * 10
    units, affect = np.zeros(970, bool), np.zeros(970, bool)
    units[:900] = True
    affect[860:960] = True
    return Mixture(datasets, {UNITS: units, AFFECT: affect}, batch, shares, seed), affect


def test_no_batch_lacks_a_task() -> None:
    mixture, affect = mixed()
    for batch in range(300):
        numbers = mixture.indices(batch)
        assert len(numbers) == 16 and numbers.max() < 960
        assert affect[numbers].sum() >= 2 and (numbers < 900).sum() >= 1


def test_shares_are_kept_and_every_image_is_shown() -> None:
    mixture, _ = mixed(shares={"emotionet": 3, "affwild": 1})
    shown = np.concatenate([mixture.indices(batch) for batch in range(240)])
    from_videos = ((shown >= 900) & (shown < 960)).mean()
    assert from_videos == pytest.approx(0.25, abs=0.01)
    assert set(shown) == set(range(960))
    often = Counter(shown.tolist())
    videos = [often[number] for number in range(900, 960)]
    assert max(videos) - min(videos) <= 1  # in turn


def test_one_kind_of_images_is_one_order() -> None:
    mixture = Mixture(["a"] * 30, {UNITS: np.ones(30, bool)}, 7, None, 3)
    shown = np.concatenate([mixture.indices(batch) for batch in range(30)])
    for epoch in range(7):
        assert sorted(shown[30 * epoch : 30 * (epoch + 1)]) == list(range(30))
    assert mixture.repeats() == pytest.approx({"least": 28 / 30, "most": 28 / 30}, abs=1e-3)


def test_a_batch_is_known_without_those_before_it() -> None:
    first, again = mixed(seed=5)[0], mixed(seed=5)[0]
    whole = [first.indices(batch).tolist() for batch in range(50)]
    assert again.indices(49).tolist() == whole[49]
    assert mixed(seed=6)[0].indices(49).tolist() != whole[49]


def test_too_small_a_batch_is_told() -> None:
    with pytest.raises(UserError, match=r"raise training\.batch_size"):
        mixed(batch=2, shares={"emotionet": 1, "affwild": 1})


def test_a_batch_that_would_lack_a_task_at_times_is_told() -> None:
    """Of five images, 40 % are of the set with valence and arousal: three, one, three, one."""
    datasets = ["a"] * 40 + ["b"] * 30 + ["c"] * 30
    affect = np.array([True] * 40 + [False] * 60)
    labelled = {UNITS: ~affect, AFFECT: affect}
    with pytest.raises(UserError, match="labelled for valence_arousal every time"):
        Mixture(datasets, labelled, 5, {"a": 0.4, "b": 0.3, "c": 0.3}, 0)
    mixture = Mixture(datasets, labelled, 10, {"a": 0.4, "b": 0.3, "c": 0.3}, 0)
    assert min(int(affect[mixture.indices(batch)].sum()) for batch in range(100)) >= 2
