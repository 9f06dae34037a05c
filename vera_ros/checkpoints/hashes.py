# SPDX-License-Identifier: Apache-2.0
"""Compares files with the SHA-256 that the table records: a checkpoint that is loaded runs code."""

import hashlib
from pathlib import Path

UNVERIFIED = "unverified: the table records no SHA-256 (scripts/pin does)"

_PIECE_BYTES = 1 << 20


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def hash_complaint(path: Path, recorded: str) -> str:
    """Return how a file differs from the recorded one, in words; empty: it does not."""
    try:
        found = sha256_of(path)
    except OSError as error:
        return f"{path} cannot be verified: {error.strerror}"
    if found == recorded:
        return ""
    return (
        f"{path} has the SHA-256 {found} instead of {recorded}: it is not the published file; do "
        "not load it, and get it again"
    )
