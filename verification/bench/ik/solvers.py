# SPDX-License-Identifier: Apache-2.0
"""IK solvers under comparison: vera_ros, and mink and pink as in their examples, if installed."""

import xml.etree.ElementTree as ET
from typing import Any, Protocol

import numpy as np
import pinocchio as pin

from verification.rig import ARM_JOINTS, TCP_FRAME, URDF, Rig, Vector

# Settings from the examples of both projects.
_DT_S = 1e-2
_ITERATIONS = 20
_DAMPING = 1e-3
_LM_DAMPING = 1.0
_POSTURE_COST = 1e-2
_STOP_M, _STOP_RAD = 1e-3, 1e-3
_SOLVER = "daqp"


class Solver(Protocol):
    """IK solver that follows TCP poses one by one, warm-started with the last solution."""

    name: str

    def start(self, q: Vector) -> None:
        """Begin a chunk at joint positions `q`. Shape (7,), [rad]."""
        ...

    def solve(self, position: Vector, rotation: Vector) -> Vector:
        """Return joint positions (Shape (7,), [rad]) for a TCP pose in the base frame."""
        ...


class VeraRosIk:
    """vera_ros's IkSolver.

    Attributes:
        solved: whether the last pose was reported as solved.
    """

    name = "vera_ros"

    def __init__(self, rig: Rig, max_step: Vector | None = None) -> None:
        """Use the rig's solver. `max_step`: largest joint motion per pose. Shape (7,), [rad]."""
        self._rig = rig
        self._max_step = max_step
        self._q = np.zeros(7)
        self.solved = False

    def start(self, q: Vector) -> None:
        """Begin a chunk (see Solver)."""
        self._q = q

    def solve(self, position: Vector, rotation: Vector) -> Vector:
        """Return joint positions for a pose (see Solver)."""
        self._q, self.solved = self._rig.solve(position, rotation, self._q, self._max_step)
        return self._q


class Mink:
    """mink's FrameTask and PostureTask."""

    name = "mink"

    def __init__(self) -> None:
        import mink

        self._mink: Any = mink
        self._configuration = mink.Configuration(_mujoco_model())
        self._frame = mink.FrameTask(
            TCP_FRAME, "body", position_cost=1.0, orientation_cost=1.0, lm_damping=_LM_DAMPING
        )
        self._posture = mink.PostureTask(self._configuration.model, cost=_POSTURE_COST)
        self._tasks = [self._frame, self._posture]

    def start(self, q: Vector) -> None:
        """Begin a chunk (see Solver)."""
        self._configuration.update(q)
        self._posture.set_target_from_configuration(self._configuration)

    def solve(self, position: Vector, rotation: Vector) -> Vector:
        """Return joint positions for a pose (see Solver)."""
        mink = self._mink
        self._frame.set_target(
            mink.SE3.from_rotation_and_translation(mink.SO3.from_matrix(rotation), position)
        )
        for _ in range(_ITERATIONS):
            velocity = mink.solve_ik(
                self._configuration, self._tasks, _DT_S, _SOLVER, damping=_DAMPING
            )
            self._configuration.integrate_inplace(velocity, _DT_S)
            if _close(self._frame.compute_error(self._configuration)):
                break
        return np.array(self._configuration.q)


class Pink:
    """pink's FrameTask and PostureTask."""

    name = "pink"

    def __init__(self) -> None:
        import pink
        from pink.tasks import FrameTask, PostureTask

        self._pink: Any = pink
        self._model = _pinocchio_model()
        self._data = self._model.createData()
        self._frame = FrameTask(
            TCP_FRAME, position_cost=1.0, orientation_cost=1.0, lm_damping=_LM_DAMPING
        )
        self._posture = PostureTask(cost=_POSTURE_COST)
        self._tasks = [self._frame, self._posture]

    def start(self, q: Vector) -> None:
        """Begin a chunk (see Solver)."""
        self._configuration = self._pink.Configuration(self._model, self._data, q)
        self._posture.set_target_from_configuration(self._configuration)

    def solve(self, position: Vector, rotation: Vector) -> Vector:
        """Return joint positions for a pose (see Solver)."""
        self._frame.set_target(pin.SE3(rotation, position))
        for _ in range(_ITERATIONS):
            velocity = self._pink.solve_ik(
                self._configuration,
                self._tasks,
                _DT_S,
                _SOLVER,
                damping=_DAMPING,
                safety_break=False,
            )
            self._configuration.integrate_inplace(velocity, _DT_S)
            if _close(self._frame.compute_error(self._configuration)):
                break
        return np.array(self._configuration.q)


def installed_solvers() -> tuple[list[Solver], list[str]]:
    """Return mink and pink as far as installed, and how to install what is missing."""
    found: list[Solver] = []
    missing = []
    for make, package in ((Mink, "mink"), (Pink, "pin-pink")):
        try:
            found.append(make())
        except ImportError as error:
            missing.append(
                f"{make.name} is left out ({error}); install it with: "
                f"python -m pip install {package} 'qpsolvers[{_SOLVER}]'"
            )
    return found, missing


def _close(error: Vector) -> bool:
    return bool(np.linalg.norm(error[:3]) <= _STOP_M and np.linalg.norm(error[3:]) <= _STOP_RAD)


def _pinocchio_model() -> pin.Model:
    """Build the arm's pinocchio model, with locked fingers."""
    full = pin.buildModelFromXML(URDF.read_text())
    fingers = [j for j in range(1, full.njoints) if full.names[j] not in ARM_JOINTS]
    return pin.buildReducedModel(full, fingers, pin.neutral(full))


def _mujoco_model() -> Any:
    """Build the arm's MuJoCo model, with fixed fingers and without shapes."""
    from vera_ros.sim.gl import mujoco

    robot = ET.fromstring(URDF.read_text())
    for link in robot.iter("link"):
        for shape in (*link.findall("visual"), *link.findall("collision")):
            link.remove(shape)
    for joint in robot.iter("joint"):
        if joint.get("name") not in ARM_JOINTS:
            joint.set("type", "fixed")
            for mimic in joint.findall("mimic"):
                joint.remove(mimic)
    spec = mujoco.MjSpec.from_string(ET.tostring(robot, encoding="unicode"))
    spec.compiler.fusestatic = False  # keeps the TCP's body, which is fixed to the hand
    return spec.compile()
