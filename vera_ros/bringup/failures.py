# SPDX-License-Identifier: Apache-2.0
"""Errors of running a graph, as opposed to failures of the robot's task."""

from vera_ros.errors import VeraRosError


class DemoError(VeraRosError):
    """The run cannot go on; the message names the cause."""


class NodeDiedError(DemoError):
    """A process of the graph ended by itself."""


class InterruptedRunError(DemoError):
    """A signal asked this process to end."""
