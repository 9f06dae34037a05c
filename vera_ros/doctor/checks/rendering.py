# SPDX-License-Identifier: Apache-2.0
"""Check that the simulated cameras can render a picture."""

from collections.abc import Mapping
from typing import Any

from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.facts.tools import ToolError, ToolTimeoutError, probe
from vera_ros.doctor.finding import Finding, failure, not_needed, ok, warning

NAME = "rendering"

_SLOW_MS = 35.0  # of the 50 ms between two pictures
_INSTALL_GL = "sudo apt-get install libegl1 libopengl0 libgl1-mesa-dri"


def check(context: Context) -> list[Finding]:
    """Render the scene once, in a process of its own: a broken GL driver crashes or hangs."""
    if context.options.robot != "sim":
        return [not_needed(NAME, "the cameras are real")]
    asked = {"embodiment": context.options.embodiment}
    try:
        return [judge(probe("rendering", context.deadline, asked))]
    except ToolTimeoutError:
        raise
    except ToolError as error:
        return [failure(NAME, f"rendering crashes: {error}", _INSTALL_GL)]


def judge(facts: Mapping[str, Any]) -> Finding:
    """Check that a picture was rendered, and that it is not of one colour."""
    if "error" in facts:
        return failure(NAME, facts["error"], _INSTALL_GL)
    backend = f"MUJOCO_GL={facts['backend']}"
    if not facts["contrast"] > 0.0:
        return failure(NAME, f"{backend} renders a picture of one colour", _INSTALL_GL)
    found = f"{backend}, {facts['milliseconds']:.0f} ms for all views"
    if facts["milliseconds"] > _SLOW_MS:
        return warning(
            NAME,
            f"{found}: too slow for the policy's pictures beside everything else",
            "scripts/demo --lockstep, where simulated time waits for the pictures; or fewer "
            "pixels: image_size: 64 for sim_node",
        )
    return ok(NAME, found)
