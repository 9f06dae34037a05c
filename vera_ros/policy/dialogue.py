# SPDX-License-Identifier: Apache-2.0
"""An episode's requests to the policy server, and what the replies mean."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from vera_ros.embodiments import Embodiment
from vera_ros.errors import (
    ConfigurationError,
    ConnectionFailedError,
    PolicyServerError,
    ProtocolError,
    ServerTimeoutError,
)
from vera_ros.policy.actions import ActionConvention, DecodedActions, interpret_actions
from vera_ros.policy.chunk_playback import ChunkPlayback
from vera_ros.policy.gripper_gate import GripperGate
from vera_ros.policy.ports import Chunk, Instant, Origin, Proprioception, ServerPort
from vera_ros.policy.sharing import sign_of_another_client
from vera_ros.policy.states import Cause, EpisodeEndError
from vera_ros.vision.window import RollingWindow
from vera_ros.wire.protocol.messages import InferReply, InferRequest, ObserveRequest
from vera_ros.wire.protocol.server_config import ServerConfig, check_same_policy

# Errors after which the connection and the server's state of the episode are lost.
LOSSES = (ConnectionFailedError, ServerTimeoutError, PolicyServerError)
_COLLAPSED_MEAN_ACTION = 1e-3  # of the pose columns; below it the policy predicts no motion


class Dialogue:
    """Sends requests to a policy server and interprets its replies, in one session at a time.

    Args:
        server: the policy server.
        embodiment: the robot kind that the actions are for.
        new_session_id: returns a unique session id.
        gripper_gate: decides by the raw gripper column; None: a fixed threshold does.

    Attributes:
        config: the server's configuration; None: not received yet in this episode.
        session_id: id of the present session.
        asking: whether a reply is awaited.
        asked_s: when the last request was sent, steady time.
        asked_from: the frame and the TCP pose that were sent with it.
        answered: whether this session has had a reply.
    """

    def __init__(
        self,
        server: ServerPort,
        embodiment: Embodiment,
        new_session_id: Callable[[], str],
        gripper_gate: GripperGate | None = None,
    ) -> None:
        self._server = server
        self._embodiment = embodiment
        self._new_session_id = new_session_id
        self._gripper_gate = gripper_gate
        self._frames_asked = 0
        self.config: ServerConfig | None = None
        self.session_id = ""
        self.asking = self.answered = False
        self.asked_s = 0.0
        self.asked_from = Origin(0)

    @property
    def server_config(self) -> ServerConfig:
        """The server's configuration, once it has been connected in this episode."""
        assert self.config is not None
        return self.config

    def begin_episode(self) -> None:
        """Forget what was received in the episode before."""
        self.config = None
        if self._gripper_gate is not None:
            self._gripper_gate.begin()

    def begin(self) -> None:
        """Begin a session, in which the server starts without an earlier episode."""
        self.session_id = self._new_session_id()
        self.asking = self.answered = False
        self._server.connect(self.session_id)

    def accept(self, config: ServerConfig, prompt: str) -> None:
        """Adopt the server's configuration.

        Raises:
            ConfigurationError: it changed during the episode, or needs a prompt that is missing.
        """
        if self.config is not None:
            check_same_policy(self.config, config)
        if config.needs_prompt and not prompt.strip():
            raise ConfigurationError("the server needs a prompt and the goal has none")
        self.config = config

    # Requests.

    def ask(
        self,
        window: RollingWindow,
        prompt: str,
        measured: Proprioception,
        last: ChunkPlayback,
        now: Instant,
        **more: Any,
    ) -> None:
        """Request a chunk, and send the frames played since the last request.

        Args:
            window: the frames to plan from.
            prompt: the task, in words.
            measured: the robot's proprioception.
            last: the chunk before, and its progress.
            now: the present.
            more: further fields of the request.

        Raises:
            EpisodeEndError: the request is not valid.
        """
        try:
            request = self._request(window, prompt, measured, last, **more)
            played = self._frames_played(window)
        except ProtocolError as error:
            words = f"the request to the server is not valid: {error}"
            raise EpisodeEndError(Cause.INTERNAL_ERROR, words) from error
        self.asked_from = Origin.of(window.newest_stamp_ns or now.ros_ns, measured)
        self.asked_s, self.asking = now.steady_s, True
        self._frames_asked = len(request.context_rgb)
        self._server.infer(request, played)

    def _request(
        self,
        window: RollingWindow,
        prompt: str,
        measured: Proprioception,
        last: ChunkPlayback,
        **more: Any,
    ) -> InferRequest:
        config, progress = self.server_config, last.progress
        clipped = last.chunk is not None and last.chunk.commands.clipped_rows > 0
        return InferRequest(
            context_rgb=window.frames,
            view_keys=config.view_keys,
            view_widths=window.view_widths,
            session_id=self.session_id,
            prompt=prompt or None,
            proprio=_named_as_asked(measured, config.proprio_keys),
            rails_bound=None if progress is None else progress.rails_bound or clipped,
            executed_trans=None if progress is None else progress.executed_trans_m,
            **more,
        )

    def _frames_played(self, window: RollingWindow) -> ObserveRequest | None:
        """Return the frames played since the last request; None: there are none."""
        frames, keys = window.played, self.server_config.view_keys
        if not len(frames):
            return None
        return ObserveRequest(frames, keys, window.view_widths, self.session_id)

    # Replies.

    def receive(self, reply: InferReply) -> str:
        """Take note of a reply; return the sign of another client in it; empty: none."""
        sign = sign_of_another_client(
            reply.info, self.session_id, first=not self.answered, frames=self._frames_asked
        )
        self.asking, self.answered = False, True
        return sign

    def commands(self, actions: npt.NDArray[np.float32]) -> DecodedActions:
        """Decode the actions of the chunk that is to be sent. Shape (H, D).

        To be called once for each: the gripper's gate remembers the episode.

        Raises:
            MotionError: their shape is wrong, or a value is not finite.
        """
        commands, column = self.interpret(actions), self.server_config.gripper_column
        if self._gripper_gate is None or column is None:
            return commands
        closed = self._gripper_gate.decide(actions[:, column], commands.poses[:, 2])
        return replace(commands, gripper=closed)

    def interpret(self, actions: npt.NDArray[np.float32]) -> DecodedActions:
        """Decode the server's actions. Shape (H, D).

        Raises:
            MotionError: their shape is wrong, or a value is not finite.
        """
        config = self.server_config
        convention = ActionConvention(
            columns=config.action_dim,
            gripper_column=config.gripper_column,
            already_metric=config.actions_already_metric,
            abs_scale=tuple(config.action_abs_scale),
        )
        return interpret_actions(actions, self._embodiment, convention)

    def is_collapsed(
        self, actions: npt.NDArray[np.float32], commands: DecodedActions, before: Chunk | None
    ) -> bool:
        """Whether a chunk commands neither motion nor a change of the gripper."""
        gripper = commands.gripper
        if gripper is None:
            poses, moves_gripper = actions, False
        else:
            poses = np.delete(actions, self.server_config.gripper_column or 0, axis=1)
            earlier = before.commands.gripper if before else None
            moves_gripper = bool((gripper != (gripper if earlier is None else earlier)[-1]).any())
        return not moves_gripper and float(np.abs(poses).mean()) < _COLLAPSED_MEAN_ACTION

    def next_chunk(
        self, actions: DecodedActions, sequence: int, start_ns: int, now: Instant
    ) -> Chunk:
        """Return the chunk for the arm side that a reply leads to.

        Args:
            actions: the reply's actions, decoded.
            sequence: counts the chunks of the episode, from 0.
            start_ns: when it is to begin, see Chunk.
            now: the present.
        """
        origin = self.asked_from
        return Chunk(
            session_id=self.session_id,
            sequence=sequence,
            stamp_ns=origin.stamp_ns or now.ros_ns,
            control_dt_s=self.server_config.control_dt,
            commands=actions,
            start_ns=start_ns,
            planned_from=origin,
        )

    # Ends.

    def abandon(self) -> None:
        """Drop the pending request; the next session starts afresh."""
        self.asking = False
        self._server.abandon()

    def release(self, window: RollingWindow | None) -> None:
        """Send the last frames played, and tell the server that the session is over."""
        played = None
        if window is not None:
            window.take_stock()
            played = self._frames_played(window)
        self._server.release(self.session_id, played)


def cause_of(error: Exception, *, connecting: bool) -> Cause:
    """Return the cause with which a server error ends the episode."""
    if isinstance(error, ConnectionFailedError):
        return Cause.NO_SERVER if connecting else Cause.CONNECTION_LOST
    for kind, cause in (
        (ServerTimeoutError, Cause.SERVER_TIMEOUT),
        (PolicyServerError, Cause.SERVER_ERROR),
        (ProtocolError, Cause.PROTOCOL_ERROR),
        (ConfigurationError, Cause.SERVER_MISMATCH),
    ):
        if isinstance(error, kind):
            return cause
    return Cause.INTERNAL_ERROR


def _named_as_asked(values: Proprioception, keys: tuple[str, ...]) -> Proprioception:
    """Add the names that the server's configuration asks for, such as `robot0_eef_pos`."""
    named = dict(values)
    for key in keys:
        for name, value in values.items():
            if key == name or key.endswith(f"_{name}"):
                named[key] = value
    return named
