# SPDX-License-Identifier: Apache-2.0
"""Requests to a policy server and its replies, checked in both directions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vera_ros.errors import ProtocolError
from vera_ros.printable import printable
from vera_ros.wire.protocol.server_config import MAX_STEPS, ServerConfig
from vera_ros.wire.protocol.wording import describe, plain, plain_map

_PROPRIO_SIZES = {"eef_pos": 3, "eef_quat": 4, "gripper_qpos": 2}
_OPTIONAL_FIELDS = (
    "prompt",
    "execute_horizon",
    "lang_guidance",
    "hist_guidance",
    "rails_bound",
    "executed_trans",
    "adaptive_gains",
    "pending_actions",
)


@dataclass(frozen=True)
class InferRequest:
    """A request for actions; fields that are None are not sent.

    Attributes:
        context_rgb: uint8, shape (T, H, sum(view_widths), 3), RGB, oldest frame first.
        view_keys: the views from left to right.
        view_widths: their widths, [px].
        session_id: unique per episode.
        prompt: what to do, in words.
        execute_horizon: how many actions will be played.
        lang_guidance: guidance scale of the prompt.
        hist_guidance: guidance scale of the context.
        proprio: float32 vectors by wire name: `q_robot` [rad], `eef_pos` (3,) [m] and `eef_quat`
            (4,) x y z w of the TCP in the base frame, `gripper_qpos` (2,) [m], and any others in
            `ServerConfig.proprio_keys`.
        rails_bound: whether a limit clipped the last chunk.
        executed_trans: summed translation that was commanded after clipping, [m].
        adaptive_gains: whether the server adapts its gains to these two; it keeps that for later
            requests, of other clients as well.
        pending_actions: rows that will still be played, from the newest frame on, as the server
            wrote them: float32, shape (n, D). A server that plans from where they lead reports in
            its info, by the same name, how many it took into account; others ignore them.

    Raises:
        ProtocolError: a field has the wrong type, shape or value.
    """

    context_rgb: NDArray[np.uint8]
    view_keys: Sequence[str]
    view_widths: Sequence[int]
    session_id: str
    prompt: str | None = None
    execute_horizon: int | None = None
    lang_guidance: float | None = None
    hist_guidance: float | None = None
    proprio: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    rails_bound: bool | None = None
    executed_trans: float | None = None
    adaptive_gains: bool | None = None
    pending_actions: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        _check_pictures("context_rgb", self.context_rgb, self.view_keys, self.view_widths)
        _check_session(self.session_id)
        for name, vector in self.proprio.items():
            _check_proprio(name, vector)

    def to_wire(self) -> dict[str, Any]:
        """Return the map that goes to the server."""
        optional = {name: getattr(self, name) for name in _OPTIONAL_FIELDS}
        return {
            **self.proprio,
            "context_rgb": self.context_rgb,
            "view_keys": list(self.view_keys),
            "view_widths": [int(width) for width in self.view_widths],
            "session_id": self.session_id,
            **{name: value for name, value in optional.items() if value is not None},
        }


@dataclass(frozen=True)
class ObserveRequest:
    """The frames that were played since the last infer, for the server's live viewer.

    Attributes:
        executed_rgb: uint8, shape (N, H, sum(view_widths), 3), RGB, in the order they happened.
        view_keys: the views from left to right.
        view_widths: their widths, [px].
        session_id: the episode's.

    Raises:
        ProtocolError: a field has the wrong type, shape or value.
    """

    executed_rgb: NDArray[np.uint8]
    view_keys: Sequence[str]
    view_widths: Sequence[int]
    session_id: str

    def __post_init__(self) -> None:
        _check_pictures("executed_rgb", self.executed_rgb, self.view_keys, self.view_widths)
        _check_session(self.session_id)

    def to_wire(self) -> dict[str, Any]:
        """Return the map that goes to the server."""
        return {
            "executed_rgb": self.executed_rgb,
            "view_keys": list(self.view_keys),
            "view_widths": [int(width) for width in self.view_widths],
            "session_id": self.session_id,
        }


@dataclass(frozen=True)
class InferReply:
    """The policy's answer.

    Attributes:
        actions: float32, shape (H, D), as received: unscaled and possibly not finite.
        info: what the server says about this inference: truth values, finite numbers, printable
            texts; None stands for anything else.
    """

    actions: NDArray[np.float32]
    info: Mapping[str, Any]

    @classmethod
    def from_wire(cls, message: Any, config: ServerConfig) -> "InferReply":
        """Read the server's answer to an infer.

        Raises:
            ProtocolError: it has no actions of at least one row and `config.action_dim` columns.
        """
        message = check_map("the answer to infer", message)
        actions = message.get("action")
        if not isinstance(actions, np.ndarray) or actions.dtype.kind != "f":
            raise _wrong("action", message, "an array of float32")
        if (
            actions.ndim != 2
            or actions.shape[1] != config.action_dim
            or not (1 <= len(actions) <= MAX_STEPS)
        ):
            raise ProtocolError(
                f"'action' has shape {actions.shape}; valid is (H, {config.action_dim}) with H "
                f"from 1 to {MAX_STEPS}, as the server config announces"
            )
        with np.errstate(over="ignore"):
            native = np.ascontiguousarray(actions, np.float32)
        info = check_map("'info'", message.get("info", {}))
        return cls(native, plain_map(info))

    @property
    def non_finite_rows(self) -> NDArray[np.intp]:
        """Indices of the rows that hold a NaN or an infinity."""
        return np.flatnonzero(~np.isfinite(self.actions).all(axis=1))


@dataclass(frozen=True)
class ObserveReply:
    """The server's reply to an observe.

    Attributes:
        ok: whether it could use the frames.
        retro_rendered: whether its viewer shows them.
        error: why not, in the server's words.
    """

    ok: bool
    retro_rendered: bool = False
    error: str = ""

    @classmethod
    def from_wire(cls, message: Any) -> "ObserveReply":
        """Read the server's answer to an observe.

        Raises:
            ProtocolError: it is no map with a boolean 'ok'.
        """
        message = check_map("the answer to observe", message)
        if not isinstance(message.get("ok"), bool):
            raise _wrong("ok", message, "true or false")
        return cls(
            message["ok"],
            message.get("retro_rendered") is True,
            str(plain(message.get("error")) or ""),
        )


def check_map(name: str, value: Any) -> Mapping[str, Any]:
    """Return a value that is a map.

    Raises:
        ProtocolError: it is not.
    """
    if not isinstance(value, Mapping):
        raise ProtocolError(f"{name} is {describe(value)}, but must be a map")
    return value


def _check_pictures(name: str, rgb: Any, view_keys: Sequence[str], widths: Sequence[int]) -> None:
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8:
        raise ProtocolError(f"'{name}' is {describe(rgb)}, but must be an array of uint8")
    if rgb.ndim != 4 or rgb.shape[3] != 3 or 0 in rgb.shape:
        raise ProtocolError(f"'{name}' has shape {rgb.shape}; valid is (T, H, W, 3), none empty")
    if len(widths) != len(view_keys) or sum(widths) != rgb.shape[2]:
        raise ProtocolError(
            f"'view_widths' {list(widths)} of views {list(view_keys)} must be one each and sum "
            f"to the pictures' width, {rgb.shape[2]}"
        )


def _check_session(session_id: Any) -> None:
    if not isinstance(session_id, str) or not session_id:
        raise ProtocolError(
            f"'session_id' is {session_id!r}; it must be a string that is new for every episode"
        )


def _check_proprio(name: str, vector: Any) -> None:
    if not isinstance(vector, np.ndarray) or vector.dtype != np.float32 or vector.ndim != 1:
        raise ProtocolError(f"'{name}' is {describe(vector)}, but must be a float32 vector")
    if len(vector) != _PROPRIO_SIZES.get(name, len(vector)):
        raise ProtocolError(f"'{name}' has {len(vector)} numbers, not {_PROPRIO_SIZES[name]}")
    if not np.isfinite(vector).all():
        raise ProtocolError(f"'{name}' is {vector.tolist()}; every number must be finite")


def _wrong(name: str, message: Mapping[str, Any], valid: str) -> ProtocolError:
    """Return the error of a field of an answer."""
    value = message.get(name)
    if value is None:
        has = ", ".join(f"'{key}'" for key in message) or "nothing"
        return ProtocolError(
            f"the answer has no '{name}', which must be {valid}; it has {printable(has, 200)}"
        )
    return ProtocolError(f"'{name}' is {describe(value)}, but must be {valid}")
