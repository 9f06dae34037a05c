# SPDX-License-Identifier: Apache-2.0
"""What this package knows of one embodiment beyond its entry in the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from vera_ros.sim.cameras import Camera
from vera_ros.wire.hosted_policy import HostedPolicy


class PolicyMaker(Protocol):
    """Makes an embodiment's reference policy; imports what that needs when it is called."""

    def __call__(self, *, looks_ahead: bool = True) -> HostedPolicy:
        """Return a new policy.

        Args:
            looks_ahead: plan from where the pending actions of a request lead.
        """


@dataclass(frozen=True)
class Robot:
    """An embodiment in simulation, behind its reference policy.

    Attributes:
        config: the ROS parameter file in config/ with which sim_node simulates it; empty: none.
        prompt: the task that its reference policy knows, in words.
        vera_prompt: a task of the same kind in the words that VERA's policy was trained with.
        make_policy: makes its reference policy.
        cameras: cameras of its scene, by view key and in the order of the embodiment's views; none:
            sim_node has no scene of it.
    """

    config: str
    prompt: str
    vera_prompt: str
    make_policy: PolicyMaker
    cameras: Mapping[str, Camera]

    @property
    def view_topics(self) -> dict[str, str]:
        """The base of each view's topics, such as `agentview`, by view key."""
        return {view: camera.topic for view, camera in self.cameras.items()}
