# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.vision.source_rate import ARRIVING, source_rate_hz


@given(st.sampled_from([5.0, 15.0, 29.97, 60.0]), st.floats(0.4, 1.0), st.integers(0, 2**32 - 1))
def test_lost_pictures_do_not_hide_the_cameras_rate(
    rate_hz: float, share: float, seed: int
) -> None:
    """Cameras whose pictures arrived at half their rate were called slow."""
    rng = np.random.default_rng(seed)
    stamps_s = np.cumsum(rng.normal(1.0, 0.03, 300)) / rate_hz
    arrived = stamps_s[rng.random(300) < share]
    assert source_rate_hz(arrived.tolist()) == pytest.approx(rate_hz, rel=0.1)


@given(st.floats(1.0, 100.0), st.integers(0, 2**32 - 1))
def test_jitter_alone_is_no_loss(rate_hz: float, seed: int) -> None:
    stamps_s = np.cumsum(np.random.default_rng(seed).normal(1.0, 0.1, 30)) / rate_hz
    seen_hz = 29 / (stamps_s[-1] - stamps_s[0])
    assert seen_hz > ARRIVING * source_rate_hz(stamps_s.tolist())


def test_an_irregular_camera_has_no_rate_to_compare_with() -> None:
    """A driver that is short of processor time stamps in bursts."""
    gaps_s = [0.02, 0.07, 0.051, 0.02, 0.09, 0.03, 0.11, 0.052, 0.031, 0.08, 0.03, 0.07]
    assert source_rate_hz(np.cumsum(gaps_s).tolist()) == 0.0


@pytest.mark.parametrize("stamps_s", [[], [1.0], [1.0, 2.0], [1.0, 1.0, 1.0]])
def test_too_few_stamps_show_no_rate(stamps_s: list[float]) -> None:
    assert source_rate_hz(stamps_s) == 0.0
