# SPDX-License-Identifier: Apache-2.0
"""Where the installed data files (configuration, robot description, launch files) are."""

from pathlib import Path

from vera_ros.errors import ConfigurationError

_SOURCE_ROOT = Path(__file__).resolve().parents[1]


def share_path(*parts: str) -> Path:
    """Return the path of a data file of this package, in a source checkout or an installation.

    Raises:
        ConfigurationError: the file is not there.
    """
    path = _share_directory().joinpath(*parts)
    if not path.exists():
        raise ConfigurationError(
            f"there is no file '{path}'; correct its name, or give a path that begins with /; if "
            "it is one of vera_ros, install the package again"
        )
    return path


def _share_directory() -> Path:
    if (_SOURCE_ROOT / "package.xml").is_file():
        return _SOURCE_ROOT
    from ament_index_python.packages import get_package_share_directory

    return Path(get_package_share_directory("vera_ros"))
