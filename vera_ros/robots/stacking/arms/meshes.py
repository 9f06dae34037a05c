# SPDX-License-Identifier: Apache-2.0
"""Finds the meshes that a URDF names. Standard library only."""

import os
from pathlib import Path
from xml.etree import ElementTree

from vera_ros.errors import ConfigurationError
from vera_ros.resources import share_path

_PACKAGE, _FILE = "package://", "file://"


def resolve_meshes(root: ElementTree.Element, urdf: Path) -> None:
    """Write where each mesh is into the tree of a URDF, as `file://` and an absolute path.

    Packages are looked for where ROS has them, and among the folders around the URDF.

    Args:
        root: of the URDF.
        urdf: the file's path, from which relative names begin.

    Raises:
        ConfigurationError: a mesh is not there.
    """
    for mesh in root.iter("mesh"):
        name = str(mesh.get("filename"))
        tried = _candidates(name, urdf)
        found = next((path for path in tried if path.is_file()), None)
        if found is None:
            raise ConfigurationError(
                f"'{urdf}' names the mesh '{name}', which is not there (looked for: "
                f"{[str(path) for path in tried]}); source the workspace that has it, or correct "
                "the name"
            )
        mesh.set("filename", f"{_FILE}{found}")


def mesh_path(mesh: ElementTree.Element) -> Path:
    """Return the path of a mesh that was resolved."""
    return Path(str(mesh.get("filename")).removeprefix(_FILE))


def _candidates(name: str, urdf: Path) -> list[Path]:
    if not name.startswith(_PACKAGE):
        return [(urdf.parent / name.removeprefix(_FILE)).resolve()]
    package, _, rest = name.removeprefix(_PACKAGE).partition("/")
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    shares = [Path(prefix, "share", package) for prefix in prefixes]
    shares += [share_path()] if package == "vera_ros" else []  # also in a checkout
    around = [folder for folder in urdf.resolve().parents if folder.name == package]
    return [folder / rest for folder in (*shares, *around)]
