# SPDX-License-Identifier: Apache-2.0
"""The composed picture: sizes, order, averages and crops."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError, ImageError
from vera_ros.vision.layout import compose, fit, view_widths

sides = st.integers(1, 40)
sizes = st.tuples(sides, sides)


def plain(size: tuple[int, int], value: int) -> npt.NDArray[np.uint8]:
    return np.full((*size, 3), value, np.uint8)


def noise(size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)


@given(st.lists(st.tuples(sizes, sides), min_size=1, max_size=4), sides, st.booleans())
def test_views_stand_side_by_side_in_their_order(
    views: list[tuple[tuple[int, int], int]], height: int, crop: bool
) -> None:
    images = [plain(size, 40 * i) for i, (size, _) in enumerate(views)]
    widths = [width for _, width in views]
    picture = compose(images, (height, 1), widths, crop=crop)
    expected = np.repeat(np.arange(len(views)) * 40, widths)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert picture.shape == (height, sum(widths), 3)
    assert (picture == expected[None, :, None]).all()


@given(st.lists(sizes, min_size=1, max_size=3), st.booleans())
def test_views_of_the_right_size_stay_untouched(images: list[tuple[int, int]], crop: bool) -> None:
    size = images[0]
    views = [noise(size) + np.uint8(i) for i in range(len(images))]
    picture = compose(views, size, crop=crop)
    assert (picture == np.concatenate(views, axis=1)).all()
    assert not any(np.shares_memory(picture, view) for view in views)


@given(sizes, st.integers(1, 5), st.integers(1, 5))
def test_shrinking_averages_areas(size: tuple[int, int], rows: int, columns: int) -> None:
    image = noise((size[0] * rows, size[1] * columns))
    means = image.reshape(size[0], rows, size[1], columns, 3).mean(axis=(1, 3))
    assert np.abs(fit(image, size) - means).max() <= 0.51


@given(sizes, sizes)
def test_resizing_stays_within_the_range_of_the_picture(
    size: tuple[int, int], target: tuple[int, int]
) -> None:
    image = noise(size)
    fitted = fit(image, target)
    assert fitted.shape == (*target, 3)
    assert image.min() <= fitted.min() <= fitted.max() <= image.max()


def test_enlarging_is_linear() -> None:
    image = np.repeat(np.array([[0], [100]], np.uint8)[:, :, None], 3, axis=2)
    assert fit(image, (4, 1))[:, 0, 0].tolist() == [0, 25, 75, 100]


def test_one_side_may_shrink_while_the_other_grows() -> None:
    """A single linear pass would pick single rows out of fine stripes instead of their mean."""
    stripes = np.zeros((40, 2, 3), np.uint8)
    stripes[::2] = 200
    assert (fit(stripes, (5, 4)) == 100).all()


def test_a_wide_camera_is_squashed_or_cropped_in_its_middle() -> None:
    image = np.repeat(np.repeat(np.arange(160, dtype=np.uint8)[None], 90, 0)[:, :, None], 3, 2)
    squashed, cropped = fit(image, (90, 90)), fit(image, (90, 90), crop=True)
    assert (cropped == image[:, 35:125]).all()
    assert squashed[0, 0, 0] < 2
    assert squashed[0, -1, 0] > 157


@given(sizes, sizes)
def test_a_crop_keeps_the_aspect_ratio(size: tuple[int, int], target: tuple[int, int]) -> None:
    scaled = (size[0] * target[0], size[1] * target[1])
    scale = min(scaled[0] / target[0], scaled[1] / target[1])
    expected = (round(target[0] * scale), round(target[1] * scale))
    top, left = ((scaled[i] - expected[i]) // 2 for i in range(2))
    image = plain(scaled, 255)
    image[top : top + expected[0], left : left + expected[1]] = 7
    assert (fit(image, target, crop=True) == 7).all()


def test_a_padded_read_only_view_can_be_resized() -> None:
    raw = np.arange(8 * 20, dtype=np.uint8).reshape(8, 20)
    raw.flags.writeable = False
    image = raw[:, :18].reshape(8, 6, 3)
    assert np.shares_memory(image, raw)
    assert (fit(image, (4, 3)) == fit(image.copy(), (4, 3))).all()


def test_widths_come_from_the_server_or_from_the_resolution() -> None:
    assert view_widths(2, (128, 96)) == (96, 96)
    assert view_widths(2, (128, 96), [64, 32]) == (64, 32)


@pytest.mark.parametrize(
    ("views", "resolution", "advertised"),
    [(2, (8, 8), [8]), (0, (8, 8), []), (1, (0, 8), []), (1, (8, -1), []), (2, (8, 8), [8, 0])],
)
def test_unusable_widths_are_refused(
    views: int, resolution: tuple[int, int], advertised: list[int]
) -> None:
    with pytest.raises(ConfigurationError):
        view_widths(views, resolution, advertised)


def test_an_empty_picture_is_refused() -> None:
    with pytest.raises(ImageError, match=r"\(0, 4, 3\)"):
        fit(np.empty((0, 4, 3), np.uint8), (8, 8))
