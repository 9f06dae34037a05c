# SPDX-License-Identifier: Apache-2.0
"""Stacks the red cube on the green one, from pictures and the end effector's pose."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from vera_ros.errors import ProtocolError
from vera_ros.resources import share_path
from vera_ros.robots.handshake import make_server_config
from vera_ros.robots.pinhole import Array, Pose
from vera_ros.robots.reference_policy import MOST_STEPS, ReferencePolicy
from vera_ros.robots.request import read_horizon, read_pending
from vera_ros.robots.stacking.policy.arm import Arm
from vera_ros.robots.stacking.policy.cameras import view_of
from vera_ros.robots.stacking.policy.cubes import Located, Look, locate
from vera_ros.robots.stacking.policy.request import Observation, read_observation
from vera_ros.robots.stacking.policy.response import OPEN
from vera_ros.robots.stacking.policy.scene_config import CubeConfig, SceneConfig, load_scene_config
from vera_ros.robots.stacking.policy.segmentation import gather_evidence
from vera_ros.robots.stacking.policy.stacking import Decision, Sighting, Stacker

_HORIZON = 10
_NO_ACTIONS: Array = np.empty((0, 7))


class StackPolicy(ReferencePolicy):
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
        super().__init__(make_server_config(arm.embodiment, _HORIZON, arm.context_frames))
        self._arm, self._looks_ahead = arm, looks_ahead
        self._scene = scene or load_scene_config(share_path("config", "reference_policy.yaml"))
        self._stacker = Stacker(arm, self._scene)
        self._issued = _NO_ACTIONS  # since the arm rested
        self._gripper: Array = np.empty(0)  # commands of the episode

    def infer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the next actions, float32, Shape (H, 7), and observation and decision as info.

        Raises:
            ProtocolError: a field that the policy needs is missing or not valid.
        """
        horizon = read_horizon(request, self.horizon, MOST_STEPS)
        pending = read_pending(request, MOST_STEPS, 7) if self._looks_ahead else None
        sighting = self._see(read_observation(request))
        ahead = self._ahead(sighting, pending)
        decision, chunk = self._stacker.next_chunk(ahead, horizon)
        actions = self._arm.encode(chunk.commands, ahead.tcp, self._gripper).astype(np.float32)
        gripper = np.append(self._gripper, chunk.commands[:, 6])
        self._gripper = gripper[-3 * MOST_STEPS :]
        info = _describe(sighting, decision)
        if pending is not None:
            info["pending_actions"] = len(pending)
        issued = np.vstack((self._issued, actions.astype(np.float64)))
        self._issued = issued[-2 * MOST_STEPS :]
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

    def _see(self, observation: Observation) -> Sighting:
        cubes, tcp = self._scene.cubes, self._arm.tcp_of(observation.eef)
        return Sighting(
            tcp=tcp,
            gap_m=self._arm.gap_of(observation.fingers_m),
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
