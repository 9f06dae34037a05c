# SPDX-License-Identifier: Apache-2.0
"""The simulated hand: index finger, two balls, and the truth about what it touches."""

import numpy as np

from vera_ros.errors import MotionError
from vera_ros.robots.allegro.hand import (
    BALL_RADIUS_M,
    COLOURS,
    FRAME,
    JOINTS,
    LAST_LINK,
    TIP,
    TIP_RADIUS_M,
)
from vera_ros.robots.allegro.placement import draw_placement
from vera_ros.robots.allegro.scene import (
    DAMPING_NMS_RAD,
    STIFFNESS_NM_RAD,
    ball_name,
    load_model,
)
from vera_ros.sim.gl import mujoco
from vera_ros.sim.simulation import Array, JointState, Pose, Truth

START_RAD = np.array([0.0, 0.1, 0.1, 0.1] * 3 + [0.35, 0.1, 0.1, 0.1])
_BEGUN_RAD = 0.02  # a hand that is told to move so far has begun
_STILL_M_S = 0.01
_TIP_M = 0.001  # a ball that touches the link so near to its tip touches that
_UPRIGHT = np.array([0.0, 0.0, 0.0, 1.0])


class HandWorld:
    """The hand with its balls, stepped by 2 ms (see vera_ros.sim.one_controller.JointWorld).

    The ball to be touched moves to another place when the hand begins to move: what an early
    picture shows is not enough.

    Args:
        seed: of the first scene.
    """

    joint_names = JOINTS

    def __init__(self, seed: int = 0) -> None:
        self._model = load_model()
        self._data = mujoco.MjData(self._model)
        self._balls = [self._model.body(ball_name(colour)).id for colour in COLOURS]
        self._tip, self._last_link = (self._model.body(name).id for name in (TIP, LAST_LINK))
        self._steps, self._inertial = 0, np.zeros(self._model.nv)
        self.reset(seed)

    @property
    def step_s(self) -> float:
        """Duration of one step [s]."""
        return float(self._model.opt.timestep)

    @property
    def time_s(self) -> float:
        """Simulated time [s], which never goes back, not even at a reset."""
        return self._steps * self.step_s

    def reset(self, seed: int) -> None:
        """Start an episode: an open hand, and the balls of the seed."""
        mujoco.mj_resetData(self._model, self._data)
        self._data.qpos[:] = self._data.ctrl[:] = START_RAD
        self._placement = draw_placement(seed)
        self._begun = self._spoilt = False
        self._data.mocap_pos[self._placement.named] = self._placement.first
        self._data.mocap_pos[1 - self._placement.named] = self._placement.other
        mujoco.mj_forward(self._model, self._data)

    def step(self, q: Array, dq: Array, ddq: Array) -> None:
        """Advance by one step towards these positions, with these velocities. Shapes (16,).

        Raises:
            MotionError: they are not finite.
        """
        # The servo's torque is kp (ctrl - q) - kv dq: this ctrl makes it damp the velocity error,
        # and adds what the joints' inertia needs.
        mujoco.mj_mulM(self._model, self._data, self._inertial, np.asarray(ddq, float))
        ctrl = q + (DAMPING_NMS_RAD * dq + self._inertial) / STIFFNESS_NM_RAD
        if not np.isfinite(ctrl).all():
            raise MotionError(
                f"servo targets must be finite, got q {q!r}, dq {dq!r}; check what commands the "
                "simulated hand"
            )
        if not self._begun and np.abs(q - START_RAD).max() > _BEGUN_RAD:
            self._begun = True
            self._data.mocap_pos[self._placement.named] = self._placement.then
        self._data.ctrl[:] = ctrl
        mujoco.mj_step(self._model, self._data)
        self._steps += 1
        self._spoilt = self._spoilt or bool(self._touching(1 - self._placement.named))

    def joints(self) -> JointState:
        """Return the measured joints; gravity is compensated for, and not among the efforts."""
        data = self._data
        return JointState(data.qpos.copy(), data.qvel.copy(), data.qfrc_actuator.copy())

    def snapshot(self) -> Array:
        """Return a copy of all joint positions and of the balls', for a CameraRenderer."""
        return np.concatenate((self._data.qpos, self._data.mocap_pos.ravel()))

    def truth(self) -> Truth:
        """Return where the balls are, and whether the tip rests on the right one.

        Once the hand has touched the other one, nothing counts any more.
        """
        named = self._placement.named
        balls = zip(COLOURS, self._data.mocap_pos, strict=True)
        return Truth(
            success=not self._spoilt and self._tip_touches(named) and self._is_still(),
            frame=FRAME,
            objects={ball_name(colour): Pose(p.copy(), _UPRIGHT) for colour, p in balls},
        )

    def _tip_touches(self, ball: int) -> bool:
        """Return whether the last link of the index finger touches a ball, and with its tip."""
        apart_m = np.linalg.norm(self._data.xpos[self._tip] - self._data.mocap_pos[ball])
        near = apart_m < BALL_RADIUS_M + TIP_RADIUS_M + _TIP_M
        return bool(near) and self._last_link in self._touching(ball)

    def _touching(self, ball: int) -> set[int]:
        """Return the bodies that touch a ball."""
        pairs = self._model.geom_bodyid[self._data.contact.geom]
        touching = pairs[(pairs == self._balls[ball]).any(axis=1)]
        return set(touching.ravel().tolist()) - {self._balls[ball]}

    def _is_still(self) -> bool:
        velocity = np.empty(6)  # rotation, then translation
        kind = mujoco.mjtObj.mjOBJ_BODY
        mujoco.mj_objectVelocity(self._model, self._data, kind, self._tip, velocity, 0)
        return bool(np.linalg.norm(velocity[3:]) < _STILL_M_S)
