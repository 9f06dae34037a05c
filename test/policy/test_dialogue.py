# SPDX-License-Identifier: Apache-2.0
from typing import Any

import numpy as np
import pytest

from test.policy.rig import BODY, Arm, Server, reply, server_config
from vera_ros.embodiments import find_embodiment
from vera_ros.errors import (
    ConfigurationError,
    ConnectionFailedError,
    PolicyServerError,
    ProtocolError,
    ServerTimeoutError,
)
from vera_ros.policy.chunk_playback import ChunkPlayback
from vera_ros.policy.dialogue import Dialogue, cause_of
from vera_ros.policy.gripper_gate import GateRules, GripperGate
from vera_ros.policy.ports import Instant
from vera_ros.policy.states import Cause
from vera_ros.vision.frame_buffer import FrameBuffer
from vera_ros.vision.window import RollingWindow, SamplingRules

NOW = Instant(7.0, 10**9)
PERIOD_NS = 50_000_000


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def dialogue(server: Server) -> Dialogue:
    names = iter("abc")
    return Dialogue(server, find_embodiment("mimicgen"), lambda: next(names))


def _begin(dialogue: Dialogue, server: Server, **config: Any) -> None:
    dialogue.begin()
    server.pending = ""
    dialogue.accept(server_config(**config), "stack")


def _window(*brightnesses: int) -> RollingWindow:
    """What a window holds that looked so many times."""
    views = find_embodiment("mimicgen").view_keys
    buffer = FrameBuffer(views)
    window = RollingWindow(buffer, 21, (4, 4), SamplingRules(PERIOD_NS, 250_000_000, 60_000_000))
    for i, brightness in enumerate(brightnesses):
        stamp_ns = NOW.ros_ns + i * PERIOD_NS
        for view in views:
            buffer.add(view, stamp_ns, np.full((4, 4, 3), brightness, np.uint8))
        window.sample(stamp_ns, stamp_ns)
    return window


def test_the_gripper_of_droid_closes_on_a_weak_signal_and_stays_closed(server: Server) -> None:
    gate = GripperGate(GateRules())
    dialogue = Dialogue(server, find_embodiment("droid"), lambda: "a", gate)
    actions = np.zeros((10, 7), np.float32)
    dialogue.begin_episode()
    dialogue.begin()
    droid = server_config(embodiment="droid", action_space="se3_delta")
    dialogue.accept(droid, "stack")
    for raw, closed in ((0.0, False), (0.12, True), (0.0, True), (-0.12, False)):
        actions[4:, 6] = raw
        commands = dialogue.commands(actions)
        actions[:, 6] = 0.0
        assert commands.gripper is not None
        assert bool(commands.gripper[-1]) is closed
    dialogue.begin_episode()
    assert dialogue.config is None


def test_without_a_gate_a_fixed_threshold_decides(dialogue: Dialogue, server: Server) -> None:
    _begin(dialogue, server)
    commands = dialogue.commands(np.full((2, 7), 0.4, np.float32))
    assert commands.gripper is not None
    assert not commands.gripper.any()


def _ask(dialogue: Dialogue, window: RollingWindow, **more: Any) -> None:
    dialogue.ask(window, "stack", BODY, ChunkPlayback(Arm()), NOW, **more)


def test_a_question_is_what_is_seen_and_felt_in_this_session(
    dialogue: Dialogue, server: Server
) -> None:
    _begin(dialogue, server, proprio_keys=["robot0_eef_pos"])
    _ask(dialogue, _window(10, 20), execute_horizon=12)
    (request,) = server.requests
    assert request.session_id == "a"
    assert request.prompt == "stack"
    assert [int(frame[0, 0, 0]) for frame in request.context_rgb] == [10, 20]
    assert request.execute_horizon == 12
    assert request.proprio is not None
    assert np.array_equal(request.proprio["robot0_eef_pos"], BODY["eef_pos"])
    assert dialogue.asking
    assert dialogue.asked_s == NOW.steady_s
    assert dialogue.asked_from.stamp_ns == NOW.ros_ns + PERIOD_NS
    assert dialogue.asked_from.position is BODY["eef_pos"]


def test_an_answer_is_heard_once_and_the_next_session_begins_without_one(
    dialogue: Dialogue, server: Server
) -> None:
    _begin(dialogue, server)
    _ask(dialogue, _window(10))
    server.pending = ""
    assert dialogue.receive(reply(session_id="a", cold_start=True, context_len=1)) == ""
    assert (dialogue.asking, dialogue.answered) == (False, True)
    _begin(dialogue, server)
    assert (dialogue.asking, dialogue.answered) == (False, False)


def test_an_answer_to_more_frames_than_were_sent_is_another_clients(
    dialogue: Dialogue, server: Server
) -> None:
    _begin(dialogue, server)
    _ask(dialogue, _window(10, 20))
    assert "context_len" in dialogue.receive(reply(context_len=3))


def test_no_prompt_for_a_server_that_needs_one(dialogue: Dialogue) -> None:
    with pytest.raises(ConfigurationError, match="needs a prompt"):
        dialogue.accept(server_config(), " ")
    assert dialogue.config is None
    dialogue.accept(server_config(needs_prompt=False), " ")
    assert dialogue.config is not None


def test_another_policy_in_the_middle_of_an_episode_is_refused(
    dialogue: Dialogue, server: Server
) -> None:
    _begin(dialogue, server)
    before = dialogue.config
    with pytest.raises(ConfigurationError, match="control_dt"):
        dialogue.accept(server_config(control_dt=0.1), "stack")
    assert dialogue.config is before


@pytest.mark.parametrize(
    ("error", "connecting", "cause"),
    [
        (ConnectionFailedError("x"), True, Cause.NO_SERVER),
        (ConnectionFailedError("x"), False, Cause.CONNECTION_LOST),
        (ServerTimeoutError("x"), False, Cause.SERVER_TIMEOUT),
        (PolicyServerError("x"), False, Cause.SERVER_ERROR),
        (ProtocolError("x"), False, Cause.PROTOCOL_ERROR),
        (ConfigurationError("x"), True, Cause.SERVER_MISMATCH),
        (RuntimeError("x"), False, Cause.INTERNAL_ERROR),
    ],
)
def test_every_failure_has_a_cause(error: Exception, connecting: bool, cause: Cause) -> None:
    assert cause_of(error, connecting=connecting) is cause
