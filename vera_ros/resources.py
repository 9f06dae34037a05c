# SPDX-License-Identifier: Apache-2.0
"""Where the installed data files (configuration, robot description, launch files) are."""

from pathlib import Path

from vera_ros.errors import ConfigurationError

_SOURCE_ROOT = Path(__file__).resolve().parents[1]
_LISTED = 12  # files in a message


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


def given_file(parameter: str, value: str, *folder: str) -> Path:
    """Return the path of a file that a parameter names.

    Args:
        parameter: names it in the error.
        value: a path; a relative one begins in `folder`.
        folder: of this package's files for that parameter.

    Raises:
        ConfigurationError: there is no such file; the message has those that are there.
    """
    path = share_path(*folder) / value
    if path.is_file():
        return path
    what = f"parameter '{parameter}' is '{value}'"
    if "://" in value:
        raise ConfigurationError(
            f"{what}, and package:// and the like are not read here; give the file's path, which "
            "begins with /: ros2 pkg prefix --share PACKAGE prints that of a package"
        )
    there = path.parent if path.parent.is_dir() else share_path(*folder)
    near = there.glob(f"*{Path(value).suffix}")
    files = sorted(each.name for each in near if each.is_file())[:_LISTED]
    raise ConfigurationError(
        f"{what}, and there is no file '{path}'; '{there}' has "
        f"{', '.join(files) or 'none of its kind'}: name one of these, or give a path that begins "
        "with /"
    )


def _share_directory() -> Path:
    if (_SOURCE_ROOT / "package.xml").is_file():
        return _SOURCE_ROOT
    from ament_index_python.packages import get_package_share_directory

    return Path(get_package_share_directory("vera_ros"))
