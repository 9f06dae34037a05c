# SPDX-License-Identifier: Apache-2.0
"""Imports libraries one by one; each is reported before its import, in case that crashes."""

import importlib
import importlib.metadata
from typing import Any

from vera_ros.doctor.probes.wire import Tell, run


def _import(distribution: str, module: str) -> dict[str, str]:
    try:
        imported = importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name == module.split(".")[0]
        return {"missing": str(error)} if missing else {"error": str(error)}
    except Exception as error:  # a library that does not fit the others may raise anything
        return {"error": f"{type(error).__name__}: {error}"}
    version = getattr(imported, "__version__", None)
    try:
        return {"version": str(version or importlib.metadata.version(distribution))}
    except importlib.metadata.PackageNotFoundError:
        return {"version": ""}


def probe(asked: dict[str, Any], tell: Tell) -> None:
    """Report each library as `trying`, and then the result under its name."""
    for distribution, module in asked["modules"].items():
        tell("trying", distribution)
        tell(distribution, _import(distribution, module))


if __name__ == "__main__":
    run(probe)
