# SPDX-License-Identifier: Apache-2.0
"""A response model's file is read whole, or refused: which file, what value, what is valid."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from vera_ros.errors import ConfigurationError
from vera_ros.motion.response.direct import DirectResponse
from vera_ros.motion.response.loader import load_response
from vera_ros.motion.response.osc_pose import OscPoseResponse
from vera_ros.resources import share_path

NAN = float("nan")
Change = Callable[[Any], Any]


def changed(path: tuple[str | int, ...], value: Any) -> Change:
    def apply(content: Any) -> Any:
        place = content
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return content

    return apply


def without(*path: str | int) -> Change:
    def apply(content: Any) -> Any:
        place = content
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
        return content

    return apply


def load(folder: Path, name: str, change: Change) -> object:
    """Load a changed copy of a file of this package."""
    content = yaml.safe_load(share_path("config", name).read_text())
    path = folder / "broken.yaml"
    path.write_text(yaml.safe_dump(change(content)))
    return load_response(path)


def test_the_files_of_this_package_are_read() -> None:
    osc = load_response(share_path("config", "osc_pose_panda.yaml"))
    assert isinstance(osc, OscPoseResponse)
    assert isinstance(load_response(share_path("config", "direct.yaml")), DirectResponse)
    about_base = load_response(share_path("config", "direct_about_base.yaml"))
    assert isinstance(about_base, DirectResponse)


ANY_KIND: list[tuple[Change, str]] = [
    (without("kind"), "'kind' is missing"),
    (changed(("kind",), "neural"), "kind is 'neural'; valid is osc_pose or direct"),
    (changed(("kind",), 3), "kind is 3; valid is osc_pose or direct"),
    (changed(("kind",), ["direct"]), "valid is osc_pose or direct"),
    (lambda content: [content], "it holds list, not a mapping of names to values"),
    (lambda _: None, "it holds NoneType"),
    (lambda _: "osc_pose", "it holds str"),
]
DIRECT: list[tuple[Change, str]] = [
    (without("largest_gap_m"), "'largest_gap_m' is missing"),
    (without("largest_gap_rad"), "'largest_gap_rad' is missing"),
    (changed(("largest_gap_m",), -0.1), "largest_gap_m is -0.1; valid is 0 to 1"),
    (changed(("largest_gap_rad",), 4), "largest_gap_rad is 4; valid is 0 to 3.2"),
    (changed(("largest_gap_m",), NAN), "largest_gap_m is nan; valid is"),
    (changed(("largest_gap_m",), "far"), "largest_gap_m must be a number, not 'far'"),
    (changed(("largest_gap_m",), True), "largest_gap_m must be a number, not True"),
    (changed(("rotates_about",), "flange"), "rotates_about is 'flange'; valid is tcp or base"),
]
OSC: list[tuple[Change, str]] = [
    *(
        (without(key), f"'{key}' is missing")
        for key in (
            "gains",
            "posture",
            "torque_limit",
            "joints",
            "armature",
            "damping",
            "friction_loss",
            "bodies",
            "tcp",
            "air",
            "physics_step_s",
            "zero_rotation_keeps_goal",
        )
    ),
    (without("gains", "kp"), "'kp' is missing"),
    (without("air", "density"), "'density' is missing"),
    (without("joints", 2, "xyz"), "'xyz' is missing"),
    (without("bodies", 0, "mass"), "'mass' is missing"),
    (without("bodies", 0, "link"), "'link' is missing"),
    (changed(("gains",), 150.0), "gains must be a mapping of names to values, not 150.0"),
    (changed(("air",), None), "air must be a mapping of names to values, not None"),
    (changed(("posture",), [0.0] * 6), "posture must be 7 finite numbers"),
    (changed(("posture",), [NAN] * 7), "posture must be 7 finite numbers"),
    (changed(("posture",), "home"), "home"),
    (changed(("torque_limit",), [0.0] * 7), r"torque_limit must be 0.001 or more, not \[0.0"),
    (changed(("damping",), [-1.0] * 7), r"damping must be 0 or more, not \[-1.0"),
    (changed(("friction_loss",), 0.1), "friction_loss must be 7 finite numbers"),
    (changed(("armature",), [-5.0] * 7), "armature must be 0 or more"),
    (changed(("gains", "kp"), 0.0), "kp is 0.0; valid is 0.001 to 100000"),
    (changed(("gains", "kp"), NAN), "kp is nan; valid is"),
    (changed(("gains", "kp"), "stiff"), "kp must be a number, not 'stiff'"),
    (changed(("gains", "null_space_kp"), 1e6), "null_space_kp is 1000000.0; valid is"),
    (changed(("gains", "kp"), [150.0]), "kp must be a number"),
    (changed(("joints", 0, "xyz"), [0.0, 0.0]), "xyz must be 3 finite numbers"),
    (changed(("joints", 0, "xyz"), [0.0, NAN, 0.0]), "xyz must be 3 finite numbers"),
    (changed(("joints", 0, "rpy"), 1.0), "rpy must be 3 finite numbers"),
    (changed(("joints",), []), "valid is 1 to 0"),
    (changed(("joints", 0), "first"), "str"),
    (changed(("bodies", 0, "com"), [0.0]), "com must be 3 finite numbers"),
    (changed(("bodies", 0, "inertia"), [0.1, 0.1]), "inertia must be 3 finite numbers"),
    (changed(("bodies", 0, "inertia"), [0.1, 0.1, 0.9]), "none larger than the sum of the others"),
    (changed(("bodies", 0, "inertia"), [0.0, 0.1, 0.1]), "above zero"),
    (changed(("bodies", 0, "mass"), -1.0), "mass is -1.0; valid is"),
    (changed(("bodies", 0, "mass"), NAN), "mass is nan; valid is"),
    (changed(("bodies", 0), 3.0), "float"),
    (changed(("bodies",), 3.0), "float"),
    (changed(("bodies",), []), "each with at least one body"),
    (without("bodies", 2), r"each with at least one body; without: \['joint3'\]"),
    (changed(("physics_step_s",), 0.0), "physics_step_s is 0.0; valid is 0.0001 to 0.02"),
    (changed(("air", "density"), -1.0), "density is -1.0; valid is 0 to 1000"),
    (changed(("zero_rotation_keeps_goal",), "false"), "must be true or false, not 'false'"),
    (changed(("zero_rotation_keeps_goal",), 1), "must be true or false, not 1"),
    *(
        (changed(("bodies", 0, "link"), link), f"link of a body is {link}; valid is 1 to 7")
        # An index beyond the arm was written to memory beyond the model's.
        for link in (-1, 0, 8, 99, 1.5, "seven")
    ),
]
FILES = {"osc_pose_panda.yaml": [*ANY_KIND, *OSC], "direct.yaml": [*ANY_KIND, *DIRECT]}


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [(name, change, words) for name, cases in FILES.items() for change, words in cases],
)
def test_broken_files_are_refused(tmp_path: Path, name: str, change: Change, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as refusal:
        load(tmp_path, name, change)
    said = str(refusal.value)
    assert "broken.yaml cannot be used" in said
    assert "config/osc_pose_panda.yaml or config/direct.yaml" in said


@pytest.mark.parametrize(("mass", "com"), [(1e3, 1e2), (1e-6, 0.0), (1.0, 1e200)])
def test_a_mass_matrix_that_is_not_positive_is_refused(
    tmp_path: Path, mass: float, com: float
) -> None:
    """Joints on one axis, with no rotors and next to nothing between them."""

    def coaxial(content: Any) -> Any:
        for placement in content["joints"]:
            placement.update(xyz=[0.0, 0.0, 0.0], rpy=[0.0, 0.0, 0.0])
        content["armature"] = [0.0] * 7
        content["bodies"] = [
            {"link": link, "mass": 1e-6, "com": [0.0, 0.0, 0.0], "inertia": [1e-30] * 3}
            for link in range(1, 8)
        ]
        content["bodies"][6].update(mass=mass, com=[com, 0.0, 0.0], inertia=[0.1] * 3)
        return content

    with pytest.raises(ConfigurationError, match=r"mass matrix|not converge|finite"):
        load(tmp_path, "osc_pose_panda.yaml", coaxial)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml cannot be used"):
        load_response(tmp_path / "nowhere.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("gains: [1, 2")
    with pytest.raises(ConfigurationError, match="broken"):
        load_response(broken)
    broken.write_bytes(b"\xff\xfe\x00kind: direct")
    with pytest.raises(ConfigurationError, match="broken"):
        load_response(broken)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        load_response(tmp_path)
