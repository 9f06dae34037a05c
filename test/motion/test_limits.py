# SPDX-License-Identifier: Apache-2.0
"""Limits say how much a motion must be slowed, and refuse to be nonsense."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.limits import RATES, Limits, RateLimits
from vera_ros.motion.planning.joint_spline import JointSpline
from vera_ros.motion.planning.rate_usage import motion_rates, slowdown
from vera_ros.resources import share_path

from .chunks import START_Q, Vector, vectors

STILL = (np.zeros(7), np.zeros(7))
NAN = float("nan")


def swing(offset: Vector, duration_s: float) -> JointSpline:
    s = np.linspace(0.0, 1.0, 41)[:, None]
    q = START_Q + offset * s**3 * (10 - 15 * s + 6 * s**2)
    return JointSpline(s[:, 0] * duration_s, q, STILL)


@given(offset=vectors(-1.0, 1.0, 7), duration_s=st.floats(0.05, 20.0))
def test_a_motion_slowed_so_much_just_keeps_the_limits(
    limits: Limits, arm: ArmModel, offset: Vector, duration_s: float
) -> None:
    assume(np.abs(offset).max() > 1e-3)
    spline = swing(offset, duration_s)
    factor = slowdown(spline, limits.rates, arm.tips)
    slowed = spline.stretched(factor)
    assert slowdown(slowed, limits.rates, arm.tips) == pytest.approx(1.0, rel=1e-6)
    joints, tcp = motion_rates(slowed, arm.tips, slowed.dense_times(5))
    for rates, bound in zip(joints, limits.rates.joints, strict=True):
        assert (np.abs(rates) <= bound * 1.02).all()
    for rates, linear, angular in zip(tcp, limits.rates.linear, limits.rates.angular, strict=True):
        assert (np.linalg.norm(rates[:, :3], axis=1) <= linear * 1.02).all()
        assert (np.linalg.norm(rates[:, 3:], axis=1) <= angular * 1.02).all()


def test_an_arm_at_rest_needs_no_time(limits: Limits, arm: ArmModel) -> None:
    assert slowdown(swing(np.zeros(7), 1.0), limits.rates, arm.tips) == pytest.approx(0.0, abs=1e-2)


@given(offset=vectors(-0.5, 0.5, 7), part=st.floats(0.1, 0.9))
def test_rates_are_derivatives(arm: ArmModel, offset: Vector, part: float) -> None:
    spline, step = swing(offset, 1.0), 1e-4
    joints, tcp = motion_rates(spline, arm.tips, np.array([part - step, part, part + step]))
    for order in range(2):
        for rates in (joints, tcp):
            change = (rates[order, 2] - rates[order, 0]) / (2 * step)
            np.testing.assert_allclose(rates[order + 1, 1], change, atol=2e-3)
    positions = arm.tcp_positions(spline.derivative(0, np.array([part - step, part + step])))
    np.testing.assert_allclose(tcp[0, 1, :3], (positions[1] - positions[0]) / (2 * step), atol=1e-5)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 4))
def test_the_share_is_that_of_whatever_is_nearest_to_its_limit(
    limits: Limits, seed: int, count: int
) -> None:
    random = np.random.default_rng(seed)
    rates = limits.rates
    joints, tcp = random.normal(size=(3, count, 7)), random.normal(size=(3, count, 6))
    shares = rates.shares(joints, tcp)
    for k in range(3):
        for row in range(count):
            expected = max(
                *(np.abs(joints[k, row]) / rates.joints[k]),
                np.linalg.norm(tcp[k, row, :3]) / rates.linear[k],
                np.linalg.norm(tcp[k, row, 3:]) / rates.angular[k],
            )
            assert shares[k, row] == pytest.approx(expected)


@given(speed=st.floats(0.01, 5.0), turn=st.floats(0.01, 5.0))
def test_slower_never_allows_more(limits: Limits, speed: float, turn: float) -> None:
    slower = limits.rates.slower(limits.rates.joints[0], speed, turn)
    assert slower.linear[0] == min(speed, limits.rates.linear[0])
    assert slower.angular[0] == min(turn, limits.rates.angular[0])
    np.testing.assert_array_equal(slower.linear[1:], limits.rates.linear[1:])
    np.testing.assert_array_equal(slower.angular[1:], limits.rates.angular[1:])
    np.testing.assert_array_equal(slower.joints, limits.rates.joints)
    assert limits.rates.linear[0] == 1.7


@given(position=vectors(-2.0, 2.0, 3))
def test_depth_outside_is_how_far_the_box_is_left(limits: Limits, position: Vector) -> None:
    nearest = np.clip(position, limits.workspace_lower, limits.workspace_upper)
    (depth,) = limits.depth_outside(position[None], np.eye(3)[None])
    assert depth == pytest.approx(np.abs(position - nearest).max())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lower", np.full(7, np.inf)),
        ("lower", np.full(7, 10.0)),
        ("lower", np.zeros(6)),
        ("workspace_lower", np.array([2.0, 0.0, 0.0])),
        ("workspace_lower", np.full(3, np.nan)),
        ("workspace_upper", np.ones(2)),
        ("duration_s", np.inf),
        ("duration_s", 0.0),
        ("start_rad", -0.1),
    ],
)
def test_nonsense_is_refused(limits: Limits, name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=name):
        replace(limits, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("joints", np.zeros((3, 7))),
        ("joints", np.ones((2, 7))),
        ("joints", np.full((3, 7), np.nan)),
        ("joints", np.full((3, 7), np.inf)),
        ("linear", np.ones(2)),
        ("linear", np.array([1.0, -1.0, 1.0])),
        ("angular", np.full(3, np.nan)),
    ],
)
def test_rates_that_are_nonsense_are_refused(limits: Limits, name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"'{name}'.*valid are finite numbers above zero"):
        replace(limits.rates, **{name: value})


# Files.


@pytest.mark.parametrize("name", ["panda_limits.yaml", "fr3_limits.yaml"])
def test_the_files_of_this_package_are_read(name: str) -> None:
    rates = RateLimits.load(share_path("config", name), 7)
    assert rates.joints.shape == (3, 7)
    assert (np.diff(rates.joints, axis=0) > 0).all()
    assert (rates.position is None) is name.startswith("panda")


def panda(change: Callable[[Any], None]) -> Any:
    content = yaml.safe_load(share_path("config", "panda_limits.yaml").read_text())
    change(content)
    return content


@pytest.mark.parametrize(
    ("change", "words"),
    [
        *((lambda c, of=of: c["joints"].pop(of), f"'{of}' is missing") for of in RATES),
        *((lambda c, of=of: c["tcp"]["linear"].pop(of), f"'{of}' is missing") for of in RATES),
        (lambda c: c.pop("joints"), "'joints' is missing"),
        (lambda c: c.pop("tcp"), "'tcp' is missing"),
        (lambda c: c["tcp"].pop("angular"), "'angular' is missing"),
        (lambda c: c.update(joints=[1.0]), "joints must be a mapping"),
        (lambda c: c.update(tcp=1.7), "tcp must be a mapping"),
        (lambda c: c["joints"].update(velocity=[1.0] * 6), "velocity must be 7 finite numbers"),
        (lambda c: c["joints"].update(jerk="much"), "much"),
        (lambda c: c["joints"].update(jerk=[0.0] * 7), "'jerk' of 'joints' is 0; .*above zero"),
        (
            lambda c: c["joints"].update(velocity=[-2.175, *[2.0] * 6]),
            "'velocity' of 'joints' is -2.175; valid are finite numbers above zero; compare",
        ),
        (lambda c: c["tcp"]["angular"].update(jerk=math.inf), "'jerk' of 'angular' is inf"),
        (lambda c: c["tcp"]["linear"].update(jerk=NAN), "jerk is nan; valid is"),
        (lambda c: c["tcp"]["linear"].update(jerk=-1.0), "jerk is -1.0; valid is"),
        (lambda c: c["tcp"]["linear"].update(jerk=0.0), "'linear'.*above zero"),
        (lambda c: c["tcp"]["angular"].update(velocity="fast"), "velocity must be a number"),
        (lambda c: c.update(position={"lower": [0.0] * 7}), "'upper' is missing"),
        (lambda c: c.update(position=3), "position must be a mapping"),
        (
            lambda c: c.update(position={"lower": [0.0] * 7, "upper": [NAN] * 7}),
            "upper must be 7 finite numbers",
        ),
    ],
)
def test_broken_files_are_refused(
    tmp_path: Path, change: Callable[[Any], None], words: str
) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(yaml.safe_dump(panda(change)))
    with pytest.raises(ConfigurationError, match=words) as error:
        RateLimits.load(path, 7)
    assert f"the limits {path} cannot be used" in str(error.value)


@pytest.mark.parametrize("joints", [6, 8])
def test_limits_of_another_number_of_joints_are_refused(joints: int) -> None:
    with pytest.raises(ConfigurationError, match=f"velocity must be {joints} finite numbers"):
        RateLimits.load(share_path("config", "panda_limits.yaml"), joints)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda c: c["joints"].update(acceleration=[859.4] * 7),
            r"'acceleration' of 'joints' is 859.4 rad/s\^2; valid is up to 100 .*deg.*write 15",
        ),
        (lambda c: c["joints"].update(jerk=[286_479.0] * 7), r"286479 rad/s\^3.*up to 50000.*5000"),
        (lambda c: c["joints"].update(velocity=[125.0] * 7), r"125 rad/s;.*up to 20 rad/s;.*2.182"),
        (lambda c: c["joints"]["jerk"].__setitem__(3, 3e5), r"'jerk' of 'joints' is 300000 rad"),
        (lambda c: c["tcp"]["linear"].update(velocity=1700.0), r"1700 m/s;.*if it is in mm.*1.7"),
        (lambda c: c["tcp"]["angular"].update(velocity=143.0), r"143 rad/s;.*deg/s, write 2.496"),
        (lambda c: c.update(joint=c.pop("joints")), "'joints' is missing; correct 'joint'"),
        (lambda c: c["joints"].update(jerks=[1.0] * 7), "nothing reads 'jerks'; write jerk"),
        (
            lambda c: c.update(postion={"lower": [0.0] * 7}),
            "nothing reads 'postion'; write position",
        ),
        (
            lambda c: c["tcp"]["linear"].update(speed=1.0),
            "'speed'; write acceleration or jerk or v",
        ),
        (lambda c: c["joints"].update(velocity=["fast"] * 7), "velocity must be 7 finite numbers"),
    ],
)
def test_other_units_and_misspelt_names_in_a_file_are_refused(
    tmp_path: Path, change: Callable[[Any], None], words: str
) -> None:
    """Accelerations in degrees, and a misspelt `position`, passed without a word."""
    content = yaml.safe_load(share_path("config", "panda_limits.yaml").read_text())
    change(content)
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigurationError, match=words) as error:
        RateLimits.load(path, 7)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("file", ["panda", "fr3", "training"])
@pytest.mark.parametrize("kind", ["joints", "linear", "angular"])
@pytest.mark.parametrize("rate", RATES)
def test_every_packaged_rate_in_the_other_unit_is_refused(
    tmp_path: Path, file: str, kind: str, rate: str
) -> None:
    content = yaml.safe_load(share_path("config", f"{file}_limits.yaml").read_text())
    factor = 1000.0 if kind == "linear" else 180.0 / math.pi
    rates = content["joints"] if kind == "joints" else content["tcp"][kind]
    rates[rate] = (np.array(rates[rate]) * factor).tolist()
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigurationError, match=f"'{rate}' of '{kind}' is"):
        RateLimits.load(path, 7)
