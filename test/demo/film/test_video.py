# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vera_ros.bringup.failures import DemoError
from vera_ros.demo.film.captions import Caption, Layout, compose_picture
from vera_ros.demo.film.recorder import Recorder
from vera_ros.demo.film.video import FilmWriter

_NAMES = ("left", "right")
_SIZE = (128, 128)
_CAPTION = Caption("episode 1/1", "stack", "approach", "chunk 1")
_RED, _GREEN = (200, 30, 30), (30, 180, 60)


def plain(color: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.full((128, 128, 3), color, np.uint8)


def decode(path: Path) -> tuple[list[NDArray[np.uint8]], list[float]]:
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        frames = list(container.decode(video=0))
    return [frame.to_ndarray(format="rgb24") for frame in frames], [frame.time for frame in frames]


def centers(picture: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    height, width, _ = picture.shape
    return [picture[height // 2, width * part // 4] for part in (1, 3)]


def test_a_film_shows_what_went_into_it(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with FilmWriter(path, _NAMES, _SIZE) as film:
        for index in range(10):
            colors = (_RED, _GREEN) if index < 5 else (_GREEN, _RED)
            film.add([plain(color) for color in colors], _CAPTION, index * 0.05)
    assert (film.written, film.left_out) == (10, 0)
    pictures, times_s = decode(path)
    assert [picture.shape for picture in pictures] == [(600, 1024, 3)] * 10
    np.testing.assert_allclose(times_s, np.arange(10) * 0.05, atol=1e-3)
    for picture, colors in ((pictures[0], (_RED, _GREEN)), (pictures[-1], (_GREEN, _RED))):
        for pixel, color in zip(centers(picture), colors, strict=True):
            np.testing.assert_allclose(pixel, color, atol=12)


def test_a_film_without_pictures_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with FilmWriter(path, _NAMES, _SIZE):
        pass
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="--no-video"):
        FilmWriter(tmp_path / "nowhere" / "film.mp4", _NAMES, _SIZE)


def test_a_picture_that_cannot_be_shown_is_told_in_the_end(tmp_path: Path) -> None:
    film = FilmWriter(tmp_path / "film.mp4", _NAMES, _SIZE)
    film.add([np.zeros((0, 0, 3), np.uint8)] * 2, _CAPTION, 0.0)
    with pytest.raises(DemoError, match=r"film\.mp4"):
        film.close()


def test_times_that_do_not_advance_still_make_a_film(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with FilmWriter(path, _NAMES, _SIZE) as film:
        for _ in range(3):
            film.add([plain(_RED)] * 2, _CAPTION, 0.0)
    assert len(decode(path)[0]) == 3


def test_a_verdict_is_shown_however_busy_the_machine_is(tmp_path: Path) -> None:
    # With the queue full, the film of an episode ended without its verdict.
    path = tmp_path / "film.mp4"
    verdict = [plain(_GREEN)] * 2
    with FilmWriter(path, _NAMES, _SIZE) as film:
        for index in range(400):  # far faster than any machine encodes
            film.add([plain(_RED)] * 2, _CAPTION, index * 0.05)
        film.add(verdict, _CAPTION, 20.0, droppable=False)
    assert film.left_out > 0
    pictures, times_s = decode(path)
    assert len(pictures) == film.written == 401 - film.left_out
    assert times_s[-1] == pytest.approx(20.0, abs=1e-3)
    np.testing.assert_allclose(centers(pictures[-1])[0], _GREEN, atol=12)


@given(views=st.integers(1, 12), height=st.integers(16, 720), width=st.integers(16, 1280))
def test_any_number_of_views_of_any_size_finds_room(views: int, height: int, width: int) -> None:
    layout = Layout.of([str(index) for index in range(views)], (height, width))
    film = np.zeros(layout.size, int)
    assert film.shape[0] % 2 == film.shape[1] % 2 == 0  # as the encoder needs them
    assert film.shape[0] <= 600
    assert film.shape[1] <= 1536
    for index in range(views):
        top, left = layout.corner(index)
        film[top : top + layout.cell[0], left : left + layout.cell[1]] += 1
    assert film.sum() == views * layout.cell[0] * layout.cell[1]
    assert film.max() == 1, "two views overlap"
    assert not film[:44].any(), "a view covers the upper bar"
    assert not film[-44:].any(), "a view covers the lower bar"
    assert layout.cell[1] / layout.cell[0] == pytest.approx(width / height, rel=0.25)


def test_views_of_three_by_two_are_beside_each_other(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    views = [np.full((128, 192, 3), color, np.uint8) for color in (_RED, _GREEN, _RED)]
    with FilmWriter(path, ("a", "b", "c"), (128, 192)) as film:
        film.add(views, _CAPTION, 0.0)
    ((picture,), _) = decode(path)
    assert picture.shape == (2 * 44 + 342, 1536, 3)
    for part, color in ((1, _RED), (3, _GREEN), (5, _RED)):
        np.testing.assert_allclose(picture[215, 256 * part], color, atol=12)


def test_captions_are_legible_and_stay_within_the_picture() -> None:
    caption = Caption("episode 1/1", "stack " * 60, "the tower stands", "chunk 1", verdict=True)
    picture = compose_picture([plain(_RED)] * 2, Layout.of(_NAMES, _SIZE), caption)
    top, bottom = picture[:44], picture[-44:]
    for bar in (top, bottom):
        assert bar.max() > 200
    assert not np.ptp(picture[:44, :10], axis=(0, 1)).any(), "text reaches into the left margin"
    assert not np.ptp(picture[:44, -10:], axis=(0, 1)).any(), "text reaches into the right margin"


def test_the_recorder_pairs_views_and_joins_episodes(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with FilmWriter(path, _NAMES, _SIZE) as film:
        recorder = Recorder(film, _NAMES)
        recorder.see("left", 0, plain(_RED))  # nothing is filmed before an episode
        for start_ns in (5_000_000_000, 90_000_000_000):
            recorder.begin(lambda: _CAPTION)
            for index in range(4):
                stamp_ns = start_ns + index * 50_000_000
                recorder.see("left", stamp_ns, plain(_RED))
                recorder.see("right", stamp_ns, plain(_GREEN))
            recorder.see("left", start_ns + 200_000_000, plain(_GREEN))
            recorder.end(_CAPTION)
    times_s = decode(path)[1]
    episode = [0.0, 0.05, 0.1, 0.15, 0.2, 1.7]
    np.testing.assert_allclose(times_s, [*episode, *(t + 1.75 for t in episode)], atol=2e-3)
