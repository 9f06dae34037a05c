# SPDX-License-Identifier: Apache-2.0
"""Where the fingers are, which may come in messages of their own."""


class FingerState:
    """Keeps the newest position of a gripper's joint.

    Args:
        joint_name: the finger's; empty: there is none.
        oldest_s: what is older says nothing of the present.

    Attributes:
        position_m: the newest; None: none has come.
    """

    def __init__(self, joint_name: str, oldest_s: float) -> None:
        self._joint_name = joint_name
        self._oldest_s = oldest_s
        self._stamp_s = self._received_s = 0.0
        self.position_m: float | None = None

    def update(self, position_m: float, stamp_s: float, received_s: float) -> None:
        """Take a position that has come. `position_m`: finite."""
        self.position_m, self._stamp_s, self._received_s = position_m, stamp_s, received_s

    def silence(self, steady_s: float, now_s: float) -> str:
        """Why it is not known where the fingers are now; empty: it is, or there are none."""
        if not self._joint_name:
            return ""
        if self.position_m is None:
            return f"no joint states of the gripper's joint '{self._joint_name}' were received"
        age_s = max(steady_s - self._received_s, now_s - self._stamp_s)
        if age_s <= self._oldest_s:
            return ""
        return (
            f"the joint states of the gripper's joint '{self._joint_name}' are {age_s:.2f} s "
            f"old; valid is up to {self._oldest_s} s; is its driver running?"
        )
