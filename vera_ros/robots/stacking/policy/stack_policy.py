# SPDX-License-Identifier: Apache-2.0
"""Stacks the red cube on the green one, from pictures and the end effector's pose."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from vera_ros.errors import ConfigurationError, ProtocolError
from vera_ros.resources import share_path
from vera_ros.robots.handshake import make_server_config
from vera_ros.robots.stacking.policy.arm import Arm
from vera_ros.robots.stacking.policy.cameras import Array, Pose, view_of
from vera_ros.robots.stacking.policy.cubes import Located, Look, locate
from vera_ros.robots.stacking.policy.request import (
    Observation,
    read_horizon,
    read_observation,
    read_pending,
)
from vera_ros.robots.stacking.policy.response import OPEN
from vera_ros.robots.stacking.policy.scene_config import CubeConfig, SceneConfig, load_scene_config
from vera_ros.robots.stacking.policy.segmentation import gather_evidence
from vera_ros.robots.stacking.policy.stacking import Decision, Sighting, Stacker

_DEFAULT_HORIZON = 10
_MOST_STEPS = 100
_NO_ACTIONS: Array = np.empty((0, 7))


class StackPolicy:
    """A policy for a server to host, which uses nothing but the client's requests.

    It keeps the phase of the episode, so a new episode needs `reset`.

    Args:
        arm: the arm that stacks, with its cameras.
        scene: configuration of the task; None: the packaged one.
        looks_ahead: plan from where the pending actions of a request lead.
    """

    def __init__(
        self, arm: Arm, scene: SceneConfig | None = None, *, looks_ahead: bool = True
    ) -> None:
        self._arm, self._looks_ahead = arm, looks_ahead
        self._scene = scene or load_scene_config(share_path("config", "reference_policy.yaml"))
        self._stacker = Stacker(arm, self._scene)
        self._horizon = _DEFAULT_HORIZON
        self._issued = _NO_ACTIONS  # since the arm rested
        self._gripper: Array = np.empty(0)  # commands of the episode

    def server_config(self) -> dict[str, Any]:
        """Return the map that is sent to a client that connects."""
        arm = self._arm
        return make_server_config(arm.embodiment, self._horizon, arm.context_frames).to_wire()

    def infer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the next actions, float32, Shape (H, 7), and observation and decision as info.

        Raises:
            ProtocolError: a field that the policy needs is missing or not valid.
        """
        horizon = read_horizon(request, self._horizon, _MOST_STEPS)
        pending = read_pending(request, _MOST_STEPS) if self._looks_ahead else None
        sighting = self._see(read_observation(request))
        ahead = self._ahead(sighting, pending)
        decision, chunk = self._stacker.next_chunk(ahead, horizon)
        actions = self._arm.encode(chunk.commands, ahead.tcp, self._gripper).astype(np.float32)
        gripper = np.append(self._gripper, chunk.commands[:, 6])
        self._gripper = gripper[-3 * _MOST_STEPS :]
        info = _describe(sighting, decision)
        if pending is not None:
            info["pending_actions"] = len(pending)
        issued = np.vstack((self._issued, actions.astype(np.float64)))
        self._issued = issued[-2 * _MOST_STEPS :]
        return {"action": actions, "info": info}

    def _ahead(self, sighting: Sighting, pending: Array | None) -> Sighting:
        """Return the scene after the pending actions; None: there are none, and the arm rests."""
        if pending is None:
            self._issued = _NO_ACTIONS
            return sighting
        past = self._issued[: max(0, len(self._issued) - len(pending))]
        tcp = self._arm.look_ahead(sighting.tcp, past, pending)
        before = self._gripper[: max(0, len(self._gripper) - len(past) - len(pending))]
        gripper = self._arm.gripper_of(
            np.vstack((past, pending)), float(before[-1]) if before.size else OPEN
        )
        return sighting.ahead(tcp, gripper[: len(past)], gripper[len(past) :], self._scene)

    def reset(self, reason: str) -> None:
        """Forget the episode, whatever the reason."""
        self._stacker.reset()
        self._issued = _NO_ACTIONS
        self._gripper = np.empty(0)

    def configure(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Change `n_action_steps`, the number of actions per call; return what was applied.

        Raises:
            ConfigurationError: a setting is unknown or out of range; nothing is applied then.
        """
        unknown = sorted(str(name) for name in settings if name != "n_action_steps")
        if unknown:
            raise ConfigurationError(
                f"the reference policy has no setting {', '.join(unknown)}; it has n_action_steps"
            )
        steps = settings.get("n_action_steps", self._horizon)
        if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= _MOST_STEPS:
            raise ConfigurationError(
                f"n_action_steps is {steps!r}; it must be a whole number from 1 to {_MOST_STEPS}"
            )
        self._horizon = steps
        return dict.fromkeys(settings, steps)

    def observe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Accept the frames that were played; there is no viewer to show them."""
        return {"ok": True, "retro_rendered": False}

    def reload(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the server config; there are no other weights to load.

        Raises:
            ConfigurationError: another embodiment is requested.
        """
        own = self._arm.embodiment.name
        embodiment = request.get("embodiment") or own
        if embodiment != own:
            raise ConfigurationError(
                f"the reference policy cannot become '{embodiment}'; it is {own} only"
            )
        self.reset("reload")
        return self.server_config()

    def _see(self, observation: Observation) -> Sighting:
        cubes, tcp = self._scene.cubes, self._arm.tcp_of(observation.eef)
        return Sighting(
            tcp=tcp,
            gap_m=observation.gap_m,
            carried=self._locate(observation, tcp, cubes.carried, free_z=True),
            support=self._locate(observation, tcp, cubes.support, free_z=False),
        )

    def _locate(
        self, observation: Observation, tcp: Pose, cube: CubeConfig, *, free_z: bool
    ) -> Located:
        looks = []
        for key, camera in self._arm.cameras.items():
            picture = observation.pictures.get(key)
            if picture is None:
                raise ProtocolError(
                    f"view_keys {list(observation.pictures)} lack '{key}'; the reference policy "
                    f"needs the views {list(self._arm.cameras)}"
                )
            view = view_of(camera, tcp, picture.shape[1], picture.shape[0])
            looks.append(Look(view, gather_evidence(picture, cube, self._scene.segmentation)))
        rest_z_m = self._scene.table_z_m + cube.half_size_m
        return locate(looks, cube.half_size_m, rest_z_m, self._scene.localisation, free_z=free_z)


def _describe(sighting: Sighting, decision: Decision) -> dict[str, Any]:
    return {
        "phase": decision.phase.value,
        "note": decision.note,
        "carried": _position(sighting.carried),
        "support": _position(sighting.support),
        "gripper_gap_m": sighting.gap_m,
    }


def _position(located: Located) -> list[float] | str:
    """Return the centre in the base frame, [m], or the reason why there is none."""
    if located.cube is None:
        return located.reason
    return [float(value) for value in np.round(located.cube.position, 5)]
