# SPDX-License-Identifier: Apache-2.0
"""Without gym-pusht nothing here is collected; scripts/test installs it."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("gym_pusht") else ["test_*.py"]
