# SPDX-License-Identifier: Apache-2.0
"""Sets up the arm's motion as ik_node does, step by step."""

from collections.abc import Callable
from typing import Any

import numpy as np

from vera_ros.doctor.probes.wire import Tell, run
from vera_ros.embodiments import find_embodiment
from vera_ros.errors import VeraRosError
from vera_ros.motion.kinematics.arm_identity import ArmIdentity
from vera_ros.motion.limits import RateLimits
from vera_ros.motion.response.joint_targets import JointActions
from vera_ros.motion.response.loader import load_response
from vera_ros.nodes.ik.setup.action_columns import OF_JOINTS, space_of
from vera_ros.nodes.ik.setup.motion_setup import read_arm, set_up_arm, with_inertias
from vera_ros.resources import given_file

Facts = dict[str, Any]


def _model(urdf: str, p: Facts) -> Facts:
    _, arm, _ = read_arm(p, urdf)
    return {"joints": arm.n, "base": arm.base_frame, "tip": arm.tcp_frame}


def _inertias(urdf: str, p: Facts) -> Facts:
    described, arm, _ = read_arm(p, urdf)
    if with_inertias(p, arm, described) is None:
        arm.require_inertias()
    return {}


def _limits(p: Facts) -> Facts:
    path = given_file("limits", p["limits"], "config")
    RateLimits.load(path, len(ArmIdentity.load(path).velocity))
    return {}


def _response(p: Facts) -> Facts:
    embodiment = find_embodiment(p["embodiment"])
    name = p["response_model"] or embodiment.response_model
    joint = np.ones(1)  # stands for any: the file alone is judged
    of_joints = space_of(p, embodiment) in OF_JOINTS
    actions = JointActions(-joint, joint, joint > 0) if of_joints else None
    load_response(given_file("response_model", name, "config"), actions)
    return {"file": name}


def _set_up(urdf: str, p: Facts) -> Facts:
    return {"remarks": list(set_up_arm(p, urdf).remarks)}


def probe(asked: Facts, tell: Tell) -> None:
    """Report the result of each step, or its `error`."""
    p, urdf = asked["parameters"], asked["urdf"]

    def attempt(name: str, step: Callable[[], Facts]) -> bool:
        try:
            tell(name, step())
        except VeraRosError as error:
            tell(name, {"error": str(error)})
            return False
        return True

    attempt("limits", lambda: _limits(p))
    attempt("response", lambda: _response(p))
    if urdf:
        attempt("model", lambda: _model(urdf, p))
        heavy = attempt("inertias", lambda: _inertias(urdf, p))
        # What else is wrong shows only where missing inertias do not count.
        judged = p if heavy else p | {"effort_model": "none"}
        attempt("set_up", lambda: _set_up(urdf, judged))


if __name__ == "__main__":
    run(probe)
