# SPDX-License-Identifier: Apache-2.0
"""Bytes: how many are free, and how people read them."""

import shutil
from pathlib import Path


def size(number: float) -> str:
    """A number of bytes, like 49 kB or 2.8 GB."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000.0:
            return f"{value:.3g} {unit}"
        value /= 1000.0
    return f"{value:.3g} TB"


def free_space(folder: Path) -> int:
    """Free space where a folder is, or will be, [B]."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
