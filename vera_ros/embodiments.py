# SPDX-License-Identifier: Apache-2.0
"""The embodiments that VERA serves: their views, actions and rails, in one table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from vera_ros.errors import ConfigurationError
from vera_ros.rails import Rails


class ActionSpace(Enum):
    """What a row of actions means; the values are the constants of ActionChunk.msg."""

    EEF_DELTA = 1  # translation [m] and axis-angle rotation [rad] of the TCP, base frame
    JOINT_POSITION = 2  # joint targets [rad or m]
    PLANAR = 3  # velocity in the image [px/s]
    JOINT_DELTA = 4  # joint displacements [rad or m]


# Labels of action spaces that checkpoints may carry, and that are played for no robot kind but
# those that list them among their own.
UNSUPPORTED_LABELS = {
    "joint_delta": "displacements of the joints",
    "joint_position": "positions of the joints",
    "joint_velocity": "velocities of the joints",
    "cartesian_position": "poses",
    "cartesian_velocity": "velocities of the end effector",
    "qpos_delta": "displacements of the joints",
    "se3_quat": "deltas with quaternions",
    "pusht_pos_cmd": "target positions in the image",
}

# A fixed threshold of the raw column, or outliers in it (see vera_ros.policy.gripper_gate).
GRIPPER_GATES = ("threshold", "adaptive")

_EEF_LABELS = ("eef_delta", "cartesian_delta", "se3_delta")


@dataclass(frozen=True)
class Embodiment:
    """One robot kind, as its checkpoint expects it.

    Attributes:
        name: VERA's name of the embodiment.
        action_space: what the pose columns of an action mean.
        labels: names of that action space in checkpoints of this kind, the usual one first.
        action_dim: columns of an action row, the gripper's included.
        has_gripper: whether one column commands a gripper.
        view_keys: the camera views, in the order of their concatenation.
        chooses_views: whether a client sends those of the views that it chooses, in its order, once
            the server knows them (`control_view_keys`).
        resolution: height and width of one view [px].
        control_dt_s: duration of one action [s].
        policy_port: default port of the policy server.
        viewer_port: default port of the server's live viewer.
        action_limit: pose columns are clipped to +-this before scaling; None: never clipped.
        action_scale: factor of each pose column, from the wire's unit to m, rad or px/s; None: 1.
        server_scales: whether the server's `action_abs_scale` is applied first, where it says that
            its actions are not metric.
        response_model: how an arm responds to its actions, a file in config/.
        rails: bounds that the arm side puts on its actions; None: the arm's own alone.
        moves_flange: whether deltas are those of the arm's flange, not of a TCP between fingers.
        plan_scale: the server's default of motion_plan_scale.
        gripper_gate: what closes and opens the gripper, one of GRIPPER_GATES.
        has_tcp: whether its robot has one TCP, whose pose it reports; a hand has several tips.
        drivable: whether this package can move an arm with it.
    """

    name: str
    action_space: ActionSpace
    labels: tuple[str, ...]
    action_dim: int
    has_gripper: bool
    view_keys: tuple[str, ...]
    resolution: tuple[int, int]
    control_dt_s: float
    policy_port: int
    viewer_port: int
    action_limit: float | None = None
    action_scale: tuple[float, ...] | None = None
    server_scales: bool = True
    plan_scale: float = 1.0
    gripper_gate: str = "threshold"
    response_model: str = "direct.yaml"
    rails: Rails | None = None
    moves_flange: bool = False
    has_tcp: bool = True
    chooses_views: bool = False
    drivable: bool = True

    def with_views(self, chosen: Sequence[str]) -> "Embodiment":
        """Return the embodiment with the views that a client chooses; none: it sends all.

        Raises:
            ConfigurationError: one of them is none of this embodiment, or comes twice.
        """
        views = tuple(filter(None, chosen))
        if not (views and self.chooses_views):
            return self
        if not set(views) <= set(self.view_keys) or len(set(views)) < len(views):
            raise ConfigurationError(
                f"control_view_keys is {list(views)}; valid for {self.name} are, once each, "
                f"{', '.join(self.view_keys)}"
            )
        return replace(self, view_keys=views)


EMBODIMENTS = {
    embodiment.name: embodiment
    for embodiment in (
        Embodiment(
            name="mimicgen",
            action_space=ActionSpace.EEF_DELTA,
            labels=_EEF_LABELS,
            action_dim=7,
            has_gripper=True,
            view_keys=("agentview_image", "robot0_eye_in_hand_image"),
            resolution=(128, 128),
            control_dt_s=1 / 20,
            policy_port=8800,
            viewer_port=8801,
            # The wire's numbers are robosuite OSC_POSE actions: 1.0 stands for 0.05 m and 0.5 rad.
            action_limit=1.0,
            action_scale=(0.05, 0.05, 0.05, 0.5, 0.5, 0.5),
            response_model="osc_pose_panda.yaml",
        ),
        Embodiment(
            name="droid",
            action_space=ActionSpace.EEF_DELTA,
            labels=("se3_delta", "eef_delta", "cartesian_delta"),
            action_dim=7,
            has_gripper=True,
            view_keys=("varied_1", "varied_2", "hand"),
            resolution=(128, 192),
            control_dt_s=1 / 15,
            policy_port=8804,
            viewer_port=8805,
            # The policy's own controller enforces these.
            rails=Rails(step_m=0.03, step_rad=0.0524, chunk_m=0.2),
            plan_scale=3.0,
            # The raw column is the gripper's change per action, far below any fixed threshold.
            gripper_gate="adaptive",
            moves_flange=True,
        ),
        Embodiment(
            name="allegro",
            action_space=ActionSpace.JOINT_DELTA,
            # A checkpoint without that field is served as `absolute`; its numbers are deltas, too.
            labels=("absolute", "joint_delta", "qpos_delta"),
            action_dim=16,
            has_gripper=False,
            view_keys=tuple(f"camera_{i}" for i in range(12)),
            resolution=(128, 128),
            control_dt_s=1 / 15,
            policy_port=8802,
            viewer_port=8803,
            plan_scale=3.0,
            response_model="allegro_reference.yaml",
            has_tcp=False,
            chooses_views=True,
        ),
        Embodiment(
            name="pusht",
            action_space=ActionSpace.PLANAR,
            labels=("velocity", "pos"),
            action_dim=2,
            has_gripper=False,
            view_keys=("image",),
            resolution=(252, 252),
            control_dt_s=1 / 10,
            policy_port=8820,
            viewer_port=8821,
            # 1.0 stands for 25 px/s, whatever scale the checkpoint's metadata name.
            action_scale=(25.0, 25.0),
            server_scales=False,
            plan_scale=30.0,
        ),
    )
}


def find_embodiment(name: str) -> Embodiment:
    """Return the embodiment of that name.

    Raises:
        ConfigurationError: there is no such embodiment.
    """
    try:
        return EMBODIMENTS[name]
    except KeyError:
        raise ConfigurationError(
            f"unknown embodiment '{name}'; known are {', '.join(EMBODIMENTS)}"
        ) from None
