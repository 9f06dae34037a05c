# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with the demo itself, as opposed to the robot's task."""

from vera_ros.errors import VeraRosError


class DemoError(VeraRosError):
    """The run cannot go on; the message names the cause."""


class NodeDiedError(DemoError):
    """A process of the graph ended by itself."""


class InterruptedRunError(DemoError):
    """Someone asked the demo to stop."""
