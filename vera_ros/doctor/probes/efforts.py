# SPDX-License-Identifier: Apache-2.0
"""Compares the efforts of a resting arm with gravity, as ik_node does."""

from typing import Any

import numpy as np

from vera_ros.doctor.probes.wire import Tell, run
from vera_ros.errors import VeraRosError
from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.nodes.ik.setup.motion_setup import make_effort_fit, with_inertias, with_limits_ranges


def probe(asked: dict[str, Any], tell: Tell) -> None:
    """Report what does not fit (`misfit`, see EffortFit.judge), or the `error` of the set-up."""
    p, (q, effort) = asked["parameters"], np.array(asked["measured"], dtype=float)
    try:
        urdf = with_limits_ranges(p, asked["urdf"])
        arm = ArmModel(urdf, p["joint_names"], p["tcp_frame"])
        fit = make_effort_fit(p, with_inertias(p, arm, urdf))
    except VeraRosError as error:
        tell("error", str(error))
    else:
        tell("misfit", fit.judge(effort, q))


if __name__ == "__main__":
    run(probe)
