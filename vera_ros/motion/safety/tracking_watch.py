# SPDX-License-Identifier: Apache-2.0
"""Watch of an arm that plays a plan: frozen joints, contact, tracking error, lost commands."""

import math

import numpy as np

from vera_ros.motion.causes import Cause, Reason
from vera_ros.motion.chunk import Measured
from vera_ros.motion.kinematics.vec3 import Vector
from vera_ros.motion.observation.arm_observation import ArmObservation, SupervisionLimits
from vera_ros.motion.planning.active_plan import Playing
from vera_ros.motion.safety.contact import ContactWatch
from vera_ros.motion.safety.watchdogs import FrozenJoints, StartWatch
from vera_ros.motion.setpoint.join_watch import Join, JoinWatch
from vera_ros.motion.setpoint.setpoint import Setpoint

_SAME_S = 0.05  # joint states of an arm in motion do not stay the same for so long
_FRESH_S = 0.1
_OFF_PLAN = (Cause.TRACKING_ERROR, Cause.CONTACT)
_NOISE_RAD = 2e-3  # encoder noise, with a margin
_SAMPLES = 16  # of the part of a plan that has passed


class PlaybackWatch:
    """Compares the arm with its plan, some fifty times a second, whether or not one is played.

    Args:
        contact: watches the efforts.
        limits: supervision thresholds.

    Attributes:
        joins: detects whether the controller takes up what is sent.
    """

    def __init__(self, contact: ContactWatch, limits: SupervisionLimits) -> None:
        self._contact = contact
        self._limits = limits
        self._frozen = FrozenJoints(
            limits.frozen_time_s, limits.frozen_angle, limits.tracking_delay_s
        )
        self._start = StartWatch(_NOISE_RAD)
        self.joins = JoinWatch()
        self._compared_s = -math.inf  # stamp of the last sample that was compared
        self._compared_q: Vector | None = None

    def forget(self) -> None:
        """Start over, since time was turned back."""
        self._frozen.forget()
        self._start.forget()
        self.joins.forget()
        self._compared_s = -math.inf

    def trusted(self, observation: ArmObservation) -> Measured | None:
        """Return the measured state if a motion may begin there instead of at the set-point.

        None: joint states are outdated, disagree, or stay the same, so the arm may be elsewhere.
        """
        measured = observation.measured
        if measured is None or not observation.settled or observation.age_s > _FRESH_S:
            return None
        return None if self._frozen.same_s >= _SAME_S else measured

    def stands(
        self, cause: Cause, observation: ArmObservation, playing: Playing, now_s: float
    ) -> Measured | None:
        """Return the measured state if the arm stands although its plan moves; else None.

        The controller may have stopped by itself, or something holds the arm, or the controller
        never received the plan: what it commands is not known.
        """
        measured = observation.measured
        if measured is None or observation.age_s > _FRESH_S or self._limits.moves(measured):
            return None
        if cause in _OFF_PLAN and self.trusted(observation) is not None:
            return measured
        if observation.acknowledged is not False or not self._start.stands(measured.q):
            return None
        passed_s = np.linspace(0.0, max(0.0, now_s - playing.start_s), _SAMPLES)
        away_rad = np.abs(playing.plan.spline.derivative(0, passed_s) - measured.q).max()
        return measured if away_rad >= self._limits.frozen_angle else None

    def joined(self, observation: ArmObservation, setpoint: Setpoint) -> Join:
        """Return whether the controller took up what was sent last, by the arm's motion."""
        measured = observation.measured
        if measured is None or observation.age_s > _FRESH_S:
            return Join.OPEN
        join = Join.OPEN
        for sample in (*observation.recent, measured):
            if sample.stamp_s <= self._compared_s:
                continue
            self._compared_s = sample.stamp_s
            repeated = self._compared_q is not None and (sample.q == self._compared_q).all()
            self._compared_q = sample.q
            moves = self._limits.moves(sample) or self.joins.moves_anyway(sample.stamp_s)
            if repeated and moves:
                continue  # repeated joint states are no evidence of a late trajectory
            join = self.joins.update(sample, setpoint)
            if join in (Join.JOINED, Join.LATE):
                break
        believed = join is not Join.MISSED or self.trusted(observation) is not None
        return join if believed else Join.OPEN

    def update(
        self, playing: Playing | None, observation: ArmObservation, now_s: float
    ) -> Reason | None:
        """Return what keeps the arm from playing its plan; None: nothing does."""
        measured, limits = observation.measured, self._limits
        if measured is None:
            return None
        self._start.update(measured.q, plays=playing is not None)
        came_s = now_s - observation.silent_s
        planned = None if playing is None else playing.planned(came_s)
        if self._frozen.update(measured.q, planned, came_s):
            return Reason(
                Cause.JOINTS_FROZEN,
                "the measured joint positions have not changed at all for "
                f"{limits.frozen_time_s} s or more, and the plan moved by {limits.frozen_angle} "
                f"{measured.unit(0)} or more: the driver repeats old joint states, or the "
                "controller does not play",
            )
        if playing is None:
            return None
        touched = self._contact.update(
            observation.effort, measured.q, measured.dq, measured.stamp_s
        )
        if touched:
            return Reason(Cause.CONTACT, touched)
        errors = playing.tracking_errors(measured.q, measured.stamp_s, limits.tracking_delay_s)
        worst = int(errors.argmax())
        if errors[worst] > limits.tracking_tolerance:
            unit = measured.unit(worst)
            return Reason(
                Cause.TRACKING_ERROR,
                f"a joint is {errors[worst]:.3f} {unit} from its plan; valid is up to "
                f"{limits.tracking_tolerance} {unit}",
            )
        if now_s > playing.end_s + limits.rest_timeout_s and limits.moves(measured):
            return Reason(
                Cause.TRACKING_ERROR,
                f"the arm still moves at {measured.speed} "
                f"{limits.rest_timeout_s} s after its plan's end",
            )
        return None
