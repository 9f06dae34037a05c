# SPDX-License-Identifier: Apache-2.0
"""The simulated arm at its table: one object to reset, step, measure and disturb."""

from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vera_ros.errors import ConfigurationError, MotionError
from vera_ros.robots.stacking import scene
from vera_ros.robots.stacking.arms.simulated_arm import PANDA, SimulatedArm
from vera_ros.robots.stacking.placement import draw_placement
from vera_ros.sim.gl import mujoco
from vera_ros.sim.simulation import JointState, Pose


class _Addresses(NamedTuple):
    """Where some joints are in the model's vectors of positions, velocities and controls."""

    q: slice
    dq: slice
    ctrl: slice


class World:
    """The scene and its state, stepped by 2 ms and driven by position servos.

    Args:
        seed: of the cubes' placement.
        arm: the arm that stacks, with n joints.

    Attributes:
        model: the scene, a `mujoco.MjModel`.
        robot: the arm that stacks.
    """

    def __init__(self, seed: int = 0, arm: SimulatedArm = PANDA) -> None:
        self.model = scene.load_model(arm=arm)
        self.robot = arm
        self._data = mujoco.MjData(self.model)
        self._arm = self._addresses(arm.joint_names)
        self._fingers = self._addresses(arm.hand.joints)
        self._ctrl = self._data.ctrl  # looking it up costs more than a physics step
        self._stiffness = self.model.actuator_gainprm[self._arm.ctrl, 0]
        damping = -self.model.actuator_biasprm[self._arm.ctrl, 2]
        self._damping_time_s = damping / self._stiffness
        self._acceleration, self._inertial = np.zeros(self.model.nv), np.zeros(self.model.nv)
        self._finger_target = arm.hand.start
        self._steps = 0
        self.reset(seed)

    @property
    def time_s(self) -> float:
        """Simulated time [s], which never goes back, not even at a reset."""
        return self._steps * self.step_s

    @property
    def step_s(self) -> float:
        """Duration of one step [s]."""
        return float(self.model.opt.timestep)

    def reset(self, seed: int) -> None:
        """Start an episode: the arm near its start posture, the cubes placed by the seed."""
        mujoco.mj_resetData(self.model, self._data)
        placement = draw_placement(seed, self.robot.start_posture)
        self._data.qpos[self._arm.q] = placement.arm_q
        self._data.qpos[self._fingers.q] = self._finger_target = self.robot.hand.start
        for cube, (x, y, yaw_rad) in placement.cubes.items():
            z = scene.TABLE_TOP_Z_M + scene.CUBE_HALF_SIZE_M[cube]
            self._set_cube(cube, np.array([x, y, z]), yaw_rad)
        mujoco.mj_forward(self.model, self._data)

    def step(
        self,
        arm_q: ArrayLike,
        arm_dq: ArrayLike,
        finger: float,
        arm_ddq: ArrayLike | None = None,
    ) -> None:
        """Advance by one step towards these targets.

        Args:
            arm_q: Shape (n,), [rad].
            arm_dq: Shape (n,), [rad/s]; the servo's feed-forward.
            finger: position of each driven joint of the hand [m or rad], approached at its speed.
            arm_ddq: Shape (n,), [rad/s^2]; feed-forward of what the arm's inertia needs, as a real
                Panda's controller has it. None: zero.

        Raises:
            MotionError: a target is not finite.
        """
        # The servo's torque is kp (ctrl - q) - kv dq: this ctrl makes it damp the velocity error.
        ctrl = np.asarray(arm_q, float) + self._damping_time_s * np.asarray(arm_dq, float)
        if arm_ddq is not None:
            self._acceleration[self._arm.dq] = arm_ddq
            mujoco.mj_mulM(self.model, self._data, self._inertial, self._acceleration)
            ctrl += self._inertial[self._arm.dq] / self._stiffness
        if not (np.isfinite(ctrl).all() and np.isfinite(finger)):
            raise MotionError(
                f"servo targets must be finite, got q {arm_q!r}, dq {arm_dq!r}, finger {finger}; "
                "check what commands the simulated arm"
            )
        travel = self.robot.hand.speed * self.step_s
        self._finger_target += max(-travel, min(travel, finger - self._finger_target))
        self._ctrl[self._arm.ctrl] = ctrl
        self._ctrl[self._fingers.ctrl] = self._finger_target
        mujoco.mj_step(self.model, self._data)
        self._steps += 1

    def arm(self) -> JointState:
        """Return the arm's measured joints; efforts include gravity's, as a real Panda's do."""
        return self._joint_state(self._arm)

    def fingers(self) -> JointState:
        """Return the measured driven joints of the hand."""
        return self._joint_state(self._fingers)

    def pose(self, name: str, frame: str | None = None) -> Pose:
        """Return the pose of a body or of the grip site, in the world or in another's frame."""
        position, rotation = self._position_rotation(name)
        if frame is not None:
            origin, axes = self._position_rotation(frame)
            position, rotation = axes.T @ (position - origin), axes.T @ rotation
        wxyz = np.empty(4)
        mujoco.mju_mat2Quat(wxyz, rotation.ravel())
        return Pose(position.copy(), np.roll(wxyz, -1))

    def speed_m_s(self, cube: str) -> float:
        """Return how fast a cube's centre moves [m/s]."""
        return float(np.linalg.norm(self._data.qvel[self._cube_dofs(cube)][:3]))

    def in_contact(self, body: str, others: Collection[str]) -> bool:
        """Return whether a body touches any of the others."""
        pairs = self.model.geom_bodyid[self._data.contact.geom]
        body_id = self.model.body(body).id
        other_ids = [self.model.body(other).id for other in others]
        touched = pairs[(pairs == body_id).any(axis=1)]
        return bool(np.isin(touched, other_ids).any())

    def snapshot(self) -> NDArray[np.float64]:
        """Return a copy of all joint positions, for a CameraRenderer. Shape (nq,)."""
        copy: NDArray[np.float64] = self._data.qpos.copy()
        return copy

    def place_cube(self, cube: str, position: ArrayLike, yaw_rad: float = 0.0) -> None:
        """Move a cube's centre to a position in the world [m], shape (3,), and leave it at rest."""
        self._set_cube(cube, np.asarray(position, float), yaw_rad)
        mujoco.mj_forward(self.model, self._data)

    def push_cube(self, cube: str, velocity_m_s: ArrayLike) -> None:
        """Give a cube a velocity in the world [m/s], shape (3,), as a knock would."""
        self._data.qvel[self._cube_dofs(cube)] = [*np.asarray(velocity_m_s, float), 0.0, 0.0, 0.0]

    def _set_cube(self, cube: str, position: NDArray[np.float64], yaw_rad: float) -> None:
        dofs = self._cube_dofs(cube)
        start = self.model.joint(cube).qposadr[0]
        quaternion = [np.cos(yaw_rad / 2), 0.0, 0.0, np.sin(yaw_rad / 2)]
        self._data.qpos[start : start + 7] = [*position, *quaternion]
        self._data.qvel[dofs] = 0.0

    def _cube_dofs(self, cube: str) -> slice:
        if cube not in scene.CUBE_HALF_SIZE_M:
            raise ConfigurationError(
                f"there is no cube '{cube}'; the cubes are {', '.join(scene.CUBE_HALF_SIZE_M)}"
            )
        start = self.model.joint(cube).dofadr[0]
        return slice(start, start + 6)

    def _joint_state(self, at: _Addresses) -> JointState:
        data, dq = self._data, at.dq
        return JointState(
            data.qpos[at.q].copy(), data.qvel[dq].copy(), data.qfrc_actuator[dq].copy()
        )

    def _position_rotation(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        frame: Any = self._data.site(name) if name == scene.GRIP_SITE else self._data.body(name)
        return frame.xpos, frame.xmat.reshape(3, 3)

    def _addresses(self, joints: Collection[str]) -> _Addresses:
        found = [self.model.joint(name) for name in joints]
        return _Addresses(
            _span([joint.qposadr[0] for joint in found]),
            _span([joint.dofadr[0] for joint in found]),
            _span([self.model.actuator(name).id for name in joints]),
        )


def _span(indices: list[int]) -> slice:
    """Return neighbouring indices as a slice: much cheaper to read and write than a list."""
    if indices != list(range(indices[0], indices[0] + len(indices))):
        raise ConfigurationError(f"the scene keeps joints apart that belong together: {indices}")
    return slice(int(indices[0]), int(indices[-1]) + 1)
