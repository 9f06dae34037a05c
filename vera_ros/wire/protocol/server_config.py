# SPDX-License-Identifier: Apache-2.0
"""The configuration that the policy server sends on connect, checked before use."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from typing import Any

from vera_ros.embodiments import UNSUPPORTED_LABELS, Embodiment, find_embodiment
from vera_ros.errors import ConfigurationError, ProtocolError
from vera_ros.printable import shorten
from vera_ros.wire.protocol.codec import MAX_FRAME_BYTES
from vera_ros.wire.protocol.field_readers import READERS
from vera_ros.wire.protocol.wording import describe, plain_map

PROTOCOL_VERSION = 1
# Bounds of what a server may say, far above any checkpoint.
MAX_STEPS = 4096  # of a chunk or a context window
MAX_SIDE_PX = 4096
MAX_VIEWS = 32
MAX_PICTURE_BYTES = 2**23  # of all views together, composed in every control period

_CONTROL_DT_TOLERANCE = 0.01

# Fields that determine the layout of pictures and the meaning of actions: constant in an episode.
_EPISODE_FIELDS = (
    "embodiment",
    "view_keys",
    "view_widths",
    "image_resolution",
    "action_space",
    "action_dim",
    "control_dt",
    "gripper_is_raw",
    "gripper_dim_index",
    "actions_already_metric",
    "action_abs_scale",
)


@dataclass(frozen=True)
class ServerConfig:
    """The server's description of the policy it hosts, under the names of the wire.

    Fields that affect how the arm moves are required; the others default as on the server.

    Attributes:
        embodiment: VERA's name of the robot kind.
        view_keys: camera views, in the order of their concatenation.
        action_space: the checkpoint's label of what an action means.
        action_horizon: H, actions to play per call.
        action_dim: D, columns of an action row.
        context_frames: number of frames in the planner's context.
        control_dt: duration of one action, [s].
        gripper_is_raw: the gripper column is to be thresholded at 0.5 (close above).
        actions_already_metric: apply the actions as they are.
        needs_prompt: whether an infer must carry a prompt.
        view_widths: width of each view, [px]; empty: the client decides.
        image_resolution: height and width of one view, [px]; None: the client decides.
        proprio_keys: names under which the policy wants proprioception.
        needs_session_id: whether an infer must carry a session id.
        action_abs_scale: factor of each column of actions that are not metric; may be empty.
        gripper_dim_index: the gripper's column as received; use `gripper_column`.
        planner_model: name of the video model's checkpoint.
        idm_model: name of the inverse dynamics model's checkpoint.
        is_causal: whether the planner is autoregressive.
        protocol_version: of the server; this client was made for PROTOCOL_VERSION.
        git_head: commit of the server's code.
        git_dirty: whether the code has changes.
        git_diff_sha: hash of the change.
        hostname: where the server runs.
        argv: the server's command line.
        run_dir: the server's name for this run.
        extra: fields that this client does not know, see `plain`.
    """

    embodiment: str
    view_keys: tuple[str, ...]
    action_space: str
    action_horizon: int
    action_dim: int
    context_frames: int
    control_dt: float
    gripper_is_raw: bool
    actions_already_metric: bool
    needs_prompt: bool
    view_widths: tuple[int, ...] = ()
    image_resolution: tuple[int, ...] | None = None
    proprio_keys: tuple[str, ...] = ()
    needs_session_id: bool = True
    action_abs_scale: tuple[float, ...] = ()
    gripper_dim_index: int = -1
    planner_model: str = ""
    idm_model: str = ""
    is_causal: bool = False
    protocol_version: int = PROTOCOL_VERSION
    git_head: str = ""
    git_dirty: bool = False
    git_diff_sha: str = ""
    hostname: str = ""
    argv: tuple[str, ...] = ()
    run_dir: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_wire(cls, message: Any) -> "ServerConfig":
        """Read the map that the server sends on connect and after a reload.

        Raises:
            ProtocolError: a field is missing, ill-typed or out of range; the message names it.
        """
        if not isinstance(message, Mapping):
            raise ProtocolError(
                f"the server config is {describe(message)}, but must be a map; "
                "is this the port of a VERA policy server?"
            )
        known = [entry for entry in fields(cls) if entry.name != "extra"]
        values = {}
        for entry in known:
            if entry.name in message:
                values[entry.name] = READERS[entry.type](entry.name, message[entry.name])
            elif entry.default is MISSING:
                raise ProtocolError(f"the server config has no '{entry.name}', which is required")
        names = {entry.name for entry in known}
        extra = plain_map({name: message[name] for name in message if name not in names})
        config = cls(**values, extra=extra)
        config._check_ranges()
        return config

    def to_wire(self) -> dict[str, Any]:
        """Return the map that a server sends."""
        values = asdict(self)
        del values["extra"]
        message = {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
        return {**self.extra, **message}

    @property
    def gripper_column(self) -> int | None:
        """The column of an action row that commands the gripper; None without a gripper.

        Raises:
            ConfigurationError: the embodiment is unknown, or the column does not exist.
        """
        if not find_embodiment(self.embodiment).has_gripper:
            return None
        if not -1 <= self.gripper_dim_index < self.action_dim:
            raise ConfigurationError(
                f"the server's gripper_dim_index is {self.gripper_dim_index}; valid are "
                f"-1 (the last column) to {self.action_dim - 1}"
            )
        return self.gripper_dim_index % self.action_dim

    def _check_ranges(self) -> None:
        for name in ("action_horizon", "action_dim", "context_frames"):
            if not 1 <= getattr(self, name) <= MAX_STEPS:
                raise ProtocolError(
                    f"server config: '{name}' is {getattr(self, name)}; valid are 1 to {MAX_STEPS}"
                )
        if self.view_widths and len(self.view_widths) != len(self.view_keys):
            raise ProtocolError(
                f"server config: {len(self.view_widths)} 'view_widths' for "
                f"{len(self.view_keys)} 'view_keys'; there must be one each, or none"
            )
        if not 1 <= len(self.view_keys) <= MAX_VIEWS:
            raise ProtocolError(
                f"server config: {len(self.view_keys)} 'view_keys'; valid are 1 to {MAX_VIEWS}"
            )
        resolution = self.image_resolution or (1, 1)
        sizes = (*self.view_widths, *resolution)
        if not 1 <= min(sizes) <= max(sizes) <= MAX_SIDE_PX or len(resolution) != 2:
            raise ProtocolError(
                f"server config: 'view_widths' {shorten(self.view_widths)} and 'image_resolution' "
                f"{shorten(self.image_resolution)} must be from 1 to {MAX_SIDE_PX} px, the latter "
                "a height and a width"
            )


def check_embodiment(config: ServerConfig, expected: Embodiment) -> None:
    """Check that the server's policy is for the expected embodiment.

    Raises:
        ConfigurationError: it is not; the message says in which field, and what to do.
    """
    remedy = f"start the server with --embodiment {expected.name}, or connect to another one"
    if config.embodiment != expected.name:
        raise ConfigurationError(
            f"the server hosts embodiment '{config.embodiment}', but '{expected.name}' is "
            f"configured here; {remedy}"
        )
    if config.action_space not in expected.labels:
        meaning = UNSUPPORTED_LABELS.get(config.action_space)
        raise ConfigurationError(
            f"the server's action_space '{config.action_space}' is "
            f"{f'not supported ({meaning})' if meaning else 'not known'} for {expected.name}; "
            f"valid are {', '.join(expected.labels)}; serve a checkpoint with one of these"
        )
    if config.action_dim != expected.action_dim:
        raise ConfigurationError(
            f"the server's actions have {config.action_dim} columns, those of {expected.name} "
            f"have {expected.action_dim}; {remedy}"
        )
    views, needed = sorted(config.view_keys), sorted(expected.view_keys)
    if not (set(needed) <= set(views) if expected.chooses_views else needed == views):
        raise ConfigurationError(
            f"the server's views are {shorten(list(config.view_keys))}, those of {expected.name} "
            f"are {list(expected.view_keys)}; {remedy}"
        )
    if not math.isclose(config.control_dt, expected.control_dt_s, rel_tol=_CONTROL_DT_TOLERANCE):
        raise ConfigurationError(
            f"the server's control_dt is {config.control_dt} s, that of {expected.name} is "
            f"{expected.control_dt_s:.4f} s; {remedy}"
        )
    _check_scale(config)
    _check_window(config, expected)
    _ = config.gripper_column


def with_chosen_views(config: ServerConfig, embodiment: Embodiment) -> ServerConfig:
    """Return the config of a server that gets the embodiment's views, where a client chooses."""
    if not embodiment.chooses_views:
        return config
    keys = embodiment.view_keys
    widths = dict(zip(config.view_keys, config.view_widths, strict=False))  # or none are given
    view_widths = tuple(widths[key] for key in keys if key in widths)
    return replace(config, view_keys=keys, view_widths=view_widths)


def check_same_policy(before: ServerConfig, now: ServerConfig) -> None:
    """Check that an episode can continue with a server whose configuration may have changed.

    Raises:
        ConfigurationError: it cannot; the message names every field that changed.
    """
    changes = [
        f"{name} was {shorten(getattr(before, name))} and is {shorten(getattr(now, name))}"
        for name in _EPISODE_FIELDS
        if getattr(before, name) != getattr(now, name)
    ]
    if changes:
        raise ConfigurationError(
            f"the server is another one than when the episode began: {'; '.join(changes)}; "
            "start a new episode"
        )


def _check_scale(config: ServerConfig) -> None:
    scale = config.action_abs_scale
    if len(scale) not in (0, config.action_dim) or not all(map(math.isfinite, scale)):
        raise ConfigurationError(
            f"the server's action_abs_scale is {shorten(list(scale))}; valid are "
            f"{config.action_dim} finite numbers, or none; serve a checkpoint with complete "
            "metadata"
        )


def _check_window(config: ServerConfig, expected: Embodiment) -> None:
    height, width = config.image_resolution or expected.resolution
    widths = config.view_widths or (width,) * len(config.view_keys)
    size = height * sum(widths) * 3
    if size > MAX_PICTURE_BYTES or size * config.context_frames > MAX_FRAME_BYTES:
        raise ConfigurationError(
            f"the server's context of {config.context_frames} frames, {height} px high and "
            f"{sum(widths)} px wide, takes {size} bytes each and "
            f"{size * config.context_frames} in all; valid are at most {MAX_PICTURE_BYTES}, and "
            f"{MAX_FRAME_BYTES} in a request; serve a checkpoint with a smaller context"
        )
