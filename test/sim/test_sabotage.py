# SPDX-License-Identifier: Apache-2.0
"""Each sabotage spoils pictures in its own way and no other."""

import numpy as np
import pytest

from vera_ros.errors import ConfigurationError
from vera_ros.sim.sabotage import SABOTAGES, Pictures, Sabotage


def pictures(seed: int) -> Pictures:
    """Two views that differ in every pixel and every colour."""
    draw = np.random.default_rng(seed)
    return {view: draw.integers(1, 256, (4, 6, 3), np.uint8) for view in ("scene", "hand")}


def same(a: Pictures, b: Pictures) -> bool:
    return list(a) == list(b) and all(np.array_equal(a[view], b[view]) for view in a)


def test_none_shows_what_there_is() -> None:
    shown = Sabotage("none").spoil(pictures(0), 0)
    assert same(shown, pictures(0))


def test_blank_is_black() -> None:
    shown = Sabotage("blank").spoil(pictures(0), 0)
    assert list(shown) == ["scene", "hand"]
    for view, picture in shown.items():
        assert picture.shape == pictures(0)[view].shape
        assert picture.dtype == np.uint8
        assert not picture.any()


def test_bgr_turns_the_colours_and_twice_is_none() -> None:
    sabotage = Sabotage("bgr")
    once = sabotage.spoil(pictures(0), 0)
    np.testing.assert_array_equal(once["hand"][..., 0], pictures(0)["hand"][..., 2])
    assert not same(once, pictures(0))
    assert same(sabotage.spoil(once, 0), pictures(0))


def test_swapped_views_show_each_others_pictures_and_twice_is_none() -> None:
    sabotage = Sabotage("swap-views")
    once = sabotage.spoil(pictures(0), 0)
    np.testing.assert_array_equal(once["scene"], pictures(0)["hand"])
    assert same(sabotage.spoil(once, 0), pictures(0))


def test_of_three_views_each_shows_anothers_picture() -> None:
    three = {name: np.full((1, 1, 3), i, np.uint8) for i, name in enumerate("abc")}
    shown = Sabotage("swap-views").spoil(three, 0)
    assert all(shown[view][0, 0, 0] != three[view][0, 0, 0] for view in three)
    assert {picture[0, 0, 0] for picture in shown.values()} == {0, 1, 2}


def test_frozen_shows_the_first_pictures_of_each_episode() -> None:
    sabotage = Sabotage("frozen")
    for episode in (0, 1, 2):
        for seed in (0, 1, 2):
            shown = sabotage.spoil(pictures(10 * episode + seed), episode)
            assert same(shown, pictures(10 * episode))


@pytest.mark.parametrize("kind", SABOTAGES)
def test_no_sabotage_changes_the_pictures_it_was_given(kind: str) -> None:
    given = pictures(0)
    Sabotage(kind).spoil(given, 0)
    assert same(given, pictures(0))


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"'blur'.*frozen"):
        Sabotage("blur")


def test_what_changes_nothing_of_one_view_is_refused() -> None:
    for kind in SABOTAGES:
        if kind != "swap-views":
            Sabotage(kind, views=1)
    with pytest.raises(ConfigurationError, match=r"'swap-views'; valid is .* one view only"):
        Sabotage("swap-views", views=1)
