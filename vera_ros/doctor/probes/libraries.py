# SPDX-License-Identifier: Apache-2.0
"""Imports libraries one by one; the one that it tried last is the one that it crashed with."""

import importlib
import importlib.metadata

from vera_ros.doctor.probes.wire import Teller, question


def _look(distribution: str, module: str) -> dict[str, str]:
    try:
        imported = importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name == module.split(".")[0]
        return {"missing": str(error)} if missing else {"error": str(error)}
    except Exception as error:  # a library that does not fit the others raises anything
        return {"error": f"{type(error).__name__}: {error}"}
    version = getattr(imported, "__version__", None)
    try:
        return {"version": str(version or importlib.metadata.version(distribution))}
    except importlib.metadata.PackageNotFoundError:
        return {"version": ""}


def main() -> None:
    """Entry point."""
    teller = Teller()
    for distribution, module in question()["modules"].items():
        teller.tell("trying", distribution)
        teller.tell(distribution, _look(distribution, module))


if __name__ == "__main__":
    main()
