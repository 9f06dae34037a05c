# SPDX-License-Identifier: Apache-2.0
"""The reference policy: stacks the red cube on the green one, from pictures and the TCP's pose."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from vera_ros.errors import ConfigurationError, ProtocolError
from vera_ros.resources import share_path
from vera_ros.server.reference.ahead import look_ahead
from vera_ros.server.reference.cameras import Array, view_of
from vera_ros.server.reference.cubes import Located, Look, locate
from vera_ros.server.reference.handshake import EMBODIMENT, make_server_config
from vera_ros.server.reference.request import (
    Observation,
    read_horizon,
    read_observation,
    read_pending,
)
from vera_ros.server.reference.scene_config import CubeConfig, SceneConfig, load_scene_config
from vera_ros.server.reference.segmentation import gather_evidence
from vera_ros.server.reference.stacking import Decision, Sighting, Stacker

_DEFAULT_HORIZON = 10
_MOST_STEPS = 100
_NO_ACTIONS: Array = np.empty((0, 7))


class StackPolicy:
    """A policy for a server to host, which uses nothing but the client's requests.

    It keeps the phase of the episode, so a new episode needs `reset`.

    Args:
        scene: configuration of the scene; None: the packaged one.
        looks_ahead: plan from where the pending actions of a request lead.
    """

    def __init__(self, scene: SceneConfig | None = None, *, looks_ahead: bool = True) -> None:
        self._looks_ahead = looks_ahead
        self._scene = scene or load_scene_config(share_path("config", "reference_policy.yaml"))
        self._stacker = Stacker(self._scene)
        self._horizon = _DEFAULT_HORIZON
        self._issued = _NO_ACTIONS

    def server_config(self) -> dict[str, Any]:
        """Return the map that is sent to a client that connects."""
        return make_server_config(list(self._scene.cameras), self._horizon).to_wire()

    def infer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the next actions, float32, Shape (H, 7), and observation and decision as info.

        The actions are OSC_POSE commands in [-1, 1], base frame; the gripper column is -1 (open)
        or +1 (close).

        Raises:
            ProtocolError: a field that the policy needs is missing or not valid.
        """
        horizon = read_horizon(request, self._horizon, _MOST_STEPS)
        pending = read_pending(request, _MOST_STEPS) if self._looks_ahead else None
        sighting = self._see(read_observation(request))
        decision, chunk = self._stacker.next_chunk(self._ahead(sighting, pending), horizon)
        info = _describe(sighting, decision)
        if pending is not None:
            info["pending_actions"] = len(pending)
        issued = np.vstack((self._issued, chunk.actions.astype(np.float64)))
        self._issued = issued[-2 * _MOST_STEPS :]
        return {"action": chunk.actions, "info": info}

    def _ahead(self, sighting: Sighting, pending: Array | None) -> Sighting:
        """Return the scene after the pending actions; None: there are none, and the arm rests."""
        if pending is None:
            self._issued = _NO_ACTIONS
            return sighting
        past = self._issued[: max(0, len(self._issued) - len(pending))]
        tcp = look_ahead(sighting.tcp, past, pending, self._scene.response)
        return sighting.ahead(tcp, past[:, 6], pending[:, 6], self._scene)

    def reset(self, reason: str) -> None:
        """Forget the episode, whatever the reason."""
        self._stacker.reset()
        self._issued = _NO_ACTIONS

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
        embodiment = request.get("embodiment") or EMBODIMENT
        if embodiment != EMBODIMENT:
            raise ConfigurationError(
                f"the reference policy cannot become '{embodiment}'; it is {EMBODIMENT} only"
            )
        self._stacker.reset()
        return self.server_config()

    def _see(self, observation: Observation) -> Sighting:
        cubes = self._scene.cubes
        return Sighting(
            tcp=observation.tcp,
            gap_m=observation.gap_m,
            carried=self._locate(observation, cubes.carried, free_z=True),
            support=self._locate(observation, cubes.support, free_z=False),
        )

    def _locate(self, observation: Observation, cube: CubeConfig, *, free_z: bool) -> Located:
        looks = []
        for key, camera in self._scene.cameras.items():
            picture = observation.pictures.get(key)
            if picture is None:
                raise ProtocolError(
                    f"view_keys {list(observation.pictures)} lack '{key}'; the reference policy "
                    f"needs the views {list(self._scene.cameras)}"
                )
            view = view_of(camera, observation.tcp, picture.shape[1], picture.shape[0])
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
