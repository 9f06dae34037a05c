# SPDX-License-Identifier: Apache-2.0
"""Where pending actions lead is where the modelled arm comes to rest."""

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from vera_ros.motion.kinematics.arm_model import ArmModel
from vera_ros.motion.response.osc_model import OscModel
from vera_ros.motion.response.osc_pose import OscPoseResponse
from vera_ros.resources import share_path
from vera_ros.robots.mimicgen.arm import ARM
from vera_ros.robots.pinhole import Array, Pose

START_Q = np.array([0.0, 0.19634954, 0.0, -2.61799388, 0.0, 2.94159265, 0.78539816])
COMMAND_M = 0.05


@pytest.fixture(scope="module")
def arm() -> ArmModel:
    urdf = share_path("description", "urdf", "panda.urdf").read_text()
    return ArmModel(urdf, tuple(f"panda_joint{number}" for number in range(1, 8)))


@pytest.fixture(scope="module")
def response() -> OscPoseResponse:
    text = share_path("config", "osc_pose_panda.yaml").read_text()
    return OscPoseResponse(OscModel.of(yaml.safe_load(text)))


def rows(translation: Array) -> Array:
    actions = np.zeros((len(translation), 7))
    actions[:, :3] = translation
    return actions


@settings(max_examples=25, deadline=None)
@given(
    past=st.integers(0, 8),
    pending=st.integers(0, 8),
    direction=st.tuples(*[st.floats(-1.0, 1.0)] * 3).map(np.array),
)
def test_a_moving_arm_comes_to_rest_where_it_was_foreseen(
    arm: ArmModel,
    response: OscPoseResponse,
    past: int,
    pending: int,
    direction: Array,
) -> None:
    # A move like the policy's own: it begins gently and ends gently.
    profile = np.ones(past + pending)
    profile[:1], profile[-2:] = 0.6, 0.4
    commands = rows(0.6 * np.outer(profile, direction))
    deltas = np.vstack((commands[:, :6], np.zeros((12, 6))))
    deltas[:, :3] *= COMMAND_M
    start = response.at_rest(START_Q, arm.tcp_pose(START_Q), None)
    motion = response.respond(start, deltas, 0.05)
    at = 0 if past == 0 else motion.step_ends[past - 1]
    seen = Pose(motion.position[at], motion.rotation[at])
    foreseen = ARM.look_ahead(seen, commands[:past], commands[past:])
    travel_m = np.linalg.norm(motion.position[-1] - motion.position[0])
    missed_m = np.linalg.norm(foreseen.position - motion.position[-1])
    assert missed_m <= 0.012 + 0.2 * travel_m  # a forecast for the next chunk, not a model
