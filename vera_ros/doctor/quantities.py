# SPDX-License-Identifier: Apache-2.0
"""Numbers as people read them."""


def size(number: float) -> str:
    """A number of bytes, like 49 kB or 2.8 GB."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000.0:
            return f"{value:.3g} {unit}"
        value /= 1000.0
    return f"{value:.3g} TB"
