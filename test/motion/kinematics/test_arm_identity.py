# SPDX-License-Identifier: Apache-2.0
"""Limits of another arm, and descriptions in other units, are refused with what to do."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.motion.kinematics.arm_identity import ArmIdentity, check_units
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.resources import share_path

from ..conftest import JOINTS
from ..descriptions import FR3_RANGES
from ..urdfs import CHAIN, robot

PANDA = share_path("description", "urdf", "panda.urdf").read_text()
FR3_JOINTS = [f"fr3_joint{number}" for number in range(1, 8)]
Ranges = list[tuple[float, float, float]]  # lower, upper and velocity of each joint

# What descriptions in use say: of the FR3 the maker's, first and later edition; of the Panda those
# with the mechanical ends and a tenth more velocity.
FR3_FIRST: Ranges = list(FR3_RANGES)
FR3_LATER: Ranges = [
    (-2.9007, 2.9007, 2.62),
    (-1.8361, 1.8361, 2.62),
    (-2.9007, 2.9007, 2.62),
    (-3.0770, -0.1169, 2.62),
    (-2.8763, 2.8763, 5.26),
    (0.4398, 4.6216, 4.18),
    (-3.0508, 3.0508, 5.26),
]
PANDA_ENDS: Ranges = [
    (-2.9671, 2.9671, 2.3925),
    (-1.8326, 1.8326, 2.3925),
    (-2.9671, 2.9671, 2.3925),
    (-3.1416, 0.0, 2.3925),
    (-2.9671, 2.9671, 2.871),
    (-0.0873, 3.8223, 2.871),
    (-2.9671, 2.9671, 2.871),
]
CAUTIOUS: Ranges = [
    (-0.5, 0.5, 0.5),
    *[(-1.5, 1.5, 1.0)] * 2,
    (-2.5, -0.5, 0.5),
    *[(0.0, 2.0, 1)] * 3,
]


def described(ranges: Ranges | None = None, name: str = "panda") -> ArmModel:
    """The Panda's links, whose joints have these ranges and names."""
    text = PANDA
    for number, of in enumerate(ranges or [], 1):
        lower, upper, velocity = of
        text, count = re.subn(
            rf'(name="panda_joint{number}".*?)<limit [^>]*>',
            rf'\1<limit lower="{lower}" upper="{upper}" velocity="{velocity}" effort="9"/>',
            text,
            count=1,
            flags=re.DOTALL,
        )
        assert count
    text = text.replace("panda_joint", f"{name}_joint")
    return ArmModel(text, [f"{name}_joint{number}" for number in range(1, 8)], "panda_grip_site")


def load(name: str) -> ArmIdentity:
    return ArmIdentity.load(share_path("config", f"{name}_limits.yaml"))


@pytest.mark.parametrize(
    ("file", "arm"),
    [
        ("panda", described()),
        ("training", described()),
        ("panda", described(PANDA_ENDS)),
        ("panda", described(CAUTIOUS)),
        ("panda", described(name="left_fer")),
        ("panda", described(name="fr3_cell_panda")),
        ("panda", described(name="arm")),
        ("fr3", described(FR3_FIRST, "fr3")),
        ("fr3", described(FR3_LATER, "fr3")),
        ("fr3", described(FR3_LATER, "robot1")),
    ],
)
def test_descriptions_of_the_arm_pass(file: str, arm: ArmModel) -> None:
    load(file).check(arm)


@pytest.mark.parametrize(
    ("file", "arm", "words"),
    [
        ("fr3", described(), "'panda_joint6'.*-0.0175 to 3.7525.*0.4398 to 4.6216.*panda_limits"),
        ("panda", described(FR3_FIRST, "fr3"), "'fr3_joint6'.*0.5445 to 4.5169.*fr3_limits.yaml"),
        ("panda", described(FR3_LATER, "arm"), "'arm_joint6'.*to 4.6216.*to 3.7525.*fr3_limits"),
        (
            "training",
            described(FR3_LATER, "fr3"),
            "Franka Research 3 set 'limits' to fr3_limits.yaml",
        ),
        (
            "panda",
            described(CAUTIOUS, "fr3"),
            "the 'limits' panda.*called.*'fr3_joint1'.*Research 3.*set 'limits' to fr3_limits.yaml",
        ),
        (
            "panda",
            described([(-6.28, 6.28, 3.14)] * 7, "fr3"),
            "if it is a Franka Research 3, set 'limits' to fr3_limits.yaml, and correct",
        ),
        (
            "panda",
            described([*CAUTIOUS[:4], (0, 2, 5.26), *CAUTIOUS[5:]]),
            "'panda_joint5' may move at 5.26 rad/s there, and at 2.61",
        ),
        (
            "fr3",
            described([(-6.28, 6.28, 3.14)] * 7, "xarm"),
            "'xarm_joint6'.*if it is a xArm 7, set 'limits'",
        ),
        ("panda", ArmModel(robot(["base", "one", "two"], CHAIN), ["a", "b"]), "2 joints.*has 7"),
    ],
)
def test_another_arm_is_refused_with_both_values_and_what_fits(
    file: str, arm: ArmModel, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words) as error:
        load(file).check(arm)
    assert f"{file}_limits.yaml" in str(error.value)


@given(
    narrower=st.lists(st.floats(0.0, 0.4), min_size=14, max_size=14),
    slower=st.lists(st.floats(0.1, 1.0), min_size=7, max_size=7),
)
def test_somebodys_caution_is_no_other_arm(narrower: list[float], slower: list[float]) -> None:
    arm = described()
    width = arm.upper - arm.lower
    arm.lower = arm.lower + narrower[:7] * width
    arm.upper = arm.upper - narrower[7:] * width
    arm.velocity_limit = arm.velocity_limit * slower
    load("panda").check(arm)


# Units.


def test_real_arms_have_real_sizes() -> None:
    check_units(described())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: re.sub(r'xyz="([^"]*)"', _times(1000.0), t), r"reach 1\d\d\d m.*metres"),
        (
            lambda t: re.sub(r'xyz="([^"]*)"', _times(0.01), t),
            r"reach 0.01\d+ m.*valid is 0.1 to 5",
        ),
        (lambda t: t.replace('upper="3.7525"', 'upper="215"'), "joint6.*to 215 rad.*radians"),
    ],
)
def test_other_units_are_refused(change: Callable[[str], str], words: str) -> None:
    arm = ArmModel(change(PANDA), JOINTS)
    with pytest.raises(ConfigurationError, match=words):
        check_units(arm)


def _times(factor: float) -> Callable[[re.Match[str]], str]:
    def scaled(found: re.Match[str]) -> str:
        return f'xyz="{" ".join(str(factor * float(value)) for value in found[1].split())}"'

    return scaled


# Files.


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.pop("arm"), "'arm' is missing"),
        (lambda c: c["arm"].pop("name"), "'name' is missing"),
        (lambda c: c["arm"].pop("joint_words"), "'joint_words' is missing"),
        (lambda c: c["arm"].pop("upper"), "'upper' is missing"),
        (lambda c: c["arm"].update(lower=[0.0]), "lower must be 7 finite numbers"),
        (lambda c: c["arm"].update(lower=[9.0] * 7), "lower below upper"),
        (lambda c: c["arm"].update(velocity=[0.0] * 7), "velocity above zero"),
        (lambda c: c["arm"].update(velocity=2.0), "one number per joint, not 2.0"),
        (lambda c: c["arm"].update(upper=np.degrees(c["arm"]["upper"]).tolist()), "is 3.752: wr"),
        (lambda c: c["arm"].update(velocity=[120.0] * 7), "velocity has 120.*up to 20.*2.094"),
        (lambda c: c["arm"].update(uper=c["arm"].pop("upper")), "'upper' is missing; corr.*'uper'"),
        (lambda c: c.update(postion={"lower": [0.0] * 7}), "reads 'postion'; write position"),
        (lambda c: c["arm"].update(reach=1.0), "'reach'; write joint_words or lower or name"),
        (lambda c: c.update(arm="panda"), "arm must be a mapping"),
    ],
)
def test_files_that_do_not_tell_their_arm_are_refused(
    tmp_path: Path, change: Callable[[Any], None], words: str
) -> None:
    content = yaml.safe_load(share_path("config", "panda_limits.yaml").read_text())
    change(content)
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigurationError, match=words) as error:
        ArmIdentity.load(path)
    assert "config/panda_limits.yaml" in str(error.value)


def test_the_fr3s_fixed_box_lies_within_its_ranges() -> None:
    fr3 = load("fr3")
    content = yaml.safe_load(fr3.file.read_text())["position"]
    assert (np.array(content["lower"]) > fr3.lower).all()
    assert (np.array(content["upper"]) < fr3.upper).all()
