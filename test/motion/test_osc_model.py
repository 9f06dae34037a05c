# SPDX-License-Identifier: Apache-2.0
"""A response model's file is read whole, or refused with the reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from vera_ros.errors import ConfigurationError
from vera_ros.motion.osc_model import OscModel
from vera_ros.resources import share_path

NAN = float("nan")


def changed(path: tuple[str | int, ...], value: Any) -> Callable[[Any], Any]:
    def apply(content: Any) -> Any:
        place = content
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        return content

    return apply


def without(*path: str | int) -> Callable[[Any], Any]:
    def apply(content: Any) -> Any:
        place = content
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
        return content

    return apply


def test_the_file_of_this_package_is_read(osc_model: OscModel) -> None:
    assert osc_model.arm.nq == 7
    assert osc_model.kp == 150.0
    assert osc_model.zero_rotation_keeps_goal
    np.testing.assert_allclose(osc_model.torque_limit, [80.0] * 5 + [12.0] * 2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        *(
            (without(key), f"'{key}' is missing")
            for key in ("gains", "posture", "torque_limit", "joints", "armature", "damping")
        ),
        (without("friction_loss"), "'friction_loss' is missing"),
        (without("bodies"), "'bodies' is missing"),
        (without("tcp"), "'tcp' is missing"),
        (without("zero_rotation_keeps_goal"), "'zero_rotation_keeps_goal' is missing"),
        (without("gains", "kp"), "'kp' is missing"),
        (without("joints", 2, "rpy"), "'rpy' is missing"),
        (without("bodies", 0, "mass"), "'mass' is missing"),
        (changed(("posture",), [0.0] * 6), "posture must be 7 finite numbers"),
        (changed(("posture",), [NAN] * 7), "posture must be 7 finite numbers"),
        (changed(("torque_limit",), [0.0] * 7), "torque_limit must be above zero"),
        (changed(("damping",), [-1.0] * 7), "damping must not be negative"),
        (changed(("friction_loss",), 0.1), "friction_loss must be 7 finite numbers"),
        (changed(("armature",), [-5.0] * 7), "mass matrix is not positive definite"),
        (changed(("gains", "kp"), 0.0), "gain kp is 0.0"),
        (changed(("gains", "kp"), NAN), "gain kp is nan"),
        (changed(("gains", "null_space_kp"), 1e6), "gain null_space_kp"),
        (changed(("gains", "kp"), "stiff"), "stiff"),
        (changed(("joints", 0, "xyz"), [0.0, 0.0]), "xyz must be 3 finite numbers"),
        (changed(("joints", 0, "xyz"), [0.0, NAN, 0.0]), "xyz must be 3 finite numbers"),
        (changed(("bodies", 0, "com"), [0.0]), "com must be 3 finite numbers"),
        (changed(("bodies", 0, "inertia"), [0.1, 0.1]), "inertia must be 3 finite numbers"),
        (changed(("bodies", 0, "mass"), -1.0), "mass of a body"),
        (changed(("bodies", 0, "mass"), NAN), "mass of a body"),
        (changed(("zero_rotation_keeps_goal",), "false"), "must be true or false"),
        (lambda content: [content], "cannot be used"),
        (lambda _: None, "cannot be used"),
        (changed(("bodies", 0), 3.0), "cannot be used"),
        (changed(("bodies",), 3.0), "cannot be used"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, change: Callable[[Any], Any], words: str) -> None:
    content = yaml.safe_load(share_path("config", "osc_pose_panda.yaml").read_text())
    path = tmp_path / "model.yaml"
    path.write_text(yaml.safe_dump(change(content)))
    with pytest.raises(ConfigurationError, match=words):
        OscModel.load(path)


@pytest.mark.parametrize("link", [-1, 0, 8, 99, 1.5, "seven"])
def test_bodies_of_links_that_are_not_there_are_refused(tmp_path: Path, link: Any) -> None:
    """An index beyond the arm was written to memory beyond the model's."""
    content = yaml.safe_load(share_path("config", "osc_pose_panda.yaml").read_text())
    content["bodies"][0]["link"] = link
    path = tmp_path / "model.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigurationError, match="valid is 1 to 7"):
        OscModel.load(path)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        OscModel.load(tmp_path / "nowhere.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("gains: [1, 2")
    with pytest.raises(ConfigurationError, match="broken"):
        OscModel.load(broken)
