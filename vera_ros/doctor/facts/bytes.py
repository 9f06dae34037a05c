# SPDX-License-Identifier: Apache-2.0
"""Free disk space, and numbers of bytes as text."""

import shutil
from pathlib import Path


def size(number: float) -> str:
    """Format a number of bytes, like 49 kB or 2.8 GB."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000.0:
            return f"{value:.3g} {unit}"
        value /= 1000.0
    return f"{value:.3g} TB"


def free_space(folder: Path) -> int:
    """Return the free space, [B], on the disk that holds a folder or will hold it."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
