# SPDX-License-Identifier: Apache-2.0
"""Without gym-pusht the tests here are skipped, and say so; scripts/test installs it."""

from importlib.util import find_spec
from pathlib import Path

import pytest


class SkippedModule(pytest.Module):
    """A module that is not imported."""

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        return pytest.skip("gym-pusht is not installed; run pip install .[pusht]")


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    if find_spec("gym_pusht"):
        return None
    module: pytest.Module = SkippedModule.from_parent(parent, path=module_path)
    return module
