# SPDX-License-Identifier: Apache-2.0
"""Finger position of a gripper, whose joint states may come in separate messages."""

from collections.abc import Sequence


class FingerState:
    """Keeps the newest position of a gripper's joint.

    Args:
        joint_name: of the finger; empty: there is no gripper.
        oldest_s: largest age of a position.

    Attributes:
        position_m: newest position; None: none was received.
    """

    def __init__(self, joint_name: str, oldest_s: float) -> None:
        self._joint_name = joint_name
        self._oldest_s = oldest_s
        self._stamp_s = self._received_s = 0.0
        self.position_m: float | None = None

    def update(self, position_m: float, stamp_s: float, received_s: float) -> None:
        """Store a received position. `position_m`: finite."""
        self.position_m, self._stamp_s, self._received_s = position_m, stamp_s, received_s

    def silence(self, steady_s: float, now_s: float, strangers: Sequence[str] = ()) -> str:
        """Return why the finger position is unknown; empty: it is known, or there is no gripper.

        `strangers`: other joints whose states came, for the message.
        """
        if not self._joint_name:
            return ""
        if self.position_m is None:
            others = f"those beside the arm's are of {list(strangers)}; " if strangers else ""
            return (
                f"no joint states of the gripper's joint '{self._joint_name}' have been received; "
                f"{others}start its driver, or correct the parameter 'gripper_joint'"
            )
        age_s = max(steady_s - self._received_s, now_s - self._stamp_s)
        if age_s <= self._oldest_s:
            return ""
        return (
            f"the joint states of the gripper's joint '{self._joint_name}' are {age_s:.2f} s "
            f"old; valid is up to {self._oldest_s} s; is its driver running?"
        )
