# SPDX-License-Identifier: Apache-2.0
"""The one place that imports gym-pusht, whose physics and drawing the world uses."""

import os

from vera_ros.errors import MissingDependencyError

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # it would greet on standard output

try:
    import shapely
    from gym_pusht.envs.pusht import PushTEnv
except ModuleNotFoundError as error:
    raise MissingDependencyError(
        f"PushT needs gym-pusht and its libraries ({error}); pip install 'gymnasium>=0.29.1,<2' "
        "'pygame>=2.5.2,<2.7' 'pymunk>=6.6,<7' 'shapely>=2.0.3,<3', and then "
        "pip install --no-deps 'gym-pusht>=0.1.8,<0.2' (its opencv-python would lie over the "
        "present OpenCV)"
    ) from error

__all__ = ["PushTEnv", "shapely"]
