# SPDX-License-Identifier: Apache-2.0
"""The parameters of sim_node."""

from collections.abc import Mapping
from typing import Any

from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.parameters.declarations import Parameter
from vera_ros.nodes.common.parameters.picture import PICTURE
from vera_ros.robots.registry import SIMULATED
from vera_ros.robots.stacking.arms.simulated_arm import PANDA
from vera_ros.robots.stacking.tables import DARK_WOOD, TABLES
from vera_ros.sim.sabotage import SABOTAGES

PARAMETERS = (
    Parameter(
        "embodiment",
        "mimicgen",
        "the embodiment whose cameras look at the scene",
        choices=SIMULATED,
    ),
    Parameter(
        "arm_description",
        "",
        "the arm in the scene, which gets the embodiment's hand: a URDF file in description/urdf/ "
        "or a path; empty: the Panda as the training environment models it",
    ),
    Parameter(
        "flange",
        "",
        "link of arm_description that carries the hand, z out of the arm; what else it carries is "
        "left out; empty: the one tip of the model",
    ),
    Parameter(
        "joint_names", list(PANDA.joint_names), "the arm's joints in arm_description, base to tip"
    ),
    Parameter(
        "start_posture",
        PANDA.start_posture.tolist(),
        "near which episodes start, one value per joint; the TCP is there where the Panda's is",
        "rad",
        -7,
        7,
    ),
    Parameter("seed", 0, "seed of the first scene", minimum=0, maximum=2**31 - 1),
    Parameter("realtime_factor", 1.0, "simulated over real time", minimum=0.05, maximum=20.0),
    Parameter("publish_clock", False, "publish /clock at 100 Hz and stamp in simulated time"),
    Parameter(
        "lockstep",
        False,
        "time passes only when advance_time is called; needs publish_clock",
    ),
    Parameter(
        "controller_start",
        "open_loop",
        "where the arm's trajectories start: at the last command, or at the measured state",
        choices=("open_loop", "measured"),
    ),
    Parameter("joint_state_rate_hz", 100.0, "rate of joint_states", "Hz", 10.0, 500.0),
    Parameter("camera_rate_hz", 20.0, "rate of each camera", "Hz", 1.0, 60.0),
    Parameter("truth_rate_hz", 10.0, "rate of task_truth and stack_truth", "Hz", 1.0, 100.0),
    Parameter(
        "image_size",
        128,
        "height of a picture, which is as wide as the embodiment's in proportion",
        "px",
        16,
        640,
    ),
    Parameter(
        "table",
        DARK_WOOD,
        "table top in pictures of a stacking scene; VERA's released planner was trained on dark "
        "wood",
        choices=TABLES,
    ),
    *PICTURE,
    Parameter(
        "picture_origin",
        [0.0, 0.0, 0.0],
        "upper left corner of PushT's picture: the sliding joints' positions there (x and y), or "
        "where an arm's TCP is there, in its base frame",
        "m",
        -5,
        5,
        (),
        3,
    ),
    Parameter(
        "multisamples",
        0,
        "samples per pixel; 4: as in the training environment, in twice the time",
        "",
        0,
        16,
    ),
    Parameter(
        "image_reliability",
        "best_effort",
        "QoS reliability of the pictures",
        choices=("best_effort", "reliable"),
    ),
    Parameter(
        "sabotage",
        "none",
        "fault of the pictures, to prove that the policy uses them",
        choices=SABOTAGES,
    ),
)


def check_lockstep(parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that contradict lockstep.

    Raises:
        ConfigurationError: the parameters contradict each other.
    """
    if not parameters["lockstep"]:
        return
    for name, only in (("publish_clock", True), ("realtime_factor", 1.0)):
        if parameters[name] != only:
            raise ConfigurationError(
                f"{name} is {parameters[name]} with lockstep; valid is {only}: time passes on "
                "request, and all nodes take it from /clock"
            )
