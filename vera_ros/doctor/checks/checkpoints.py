# SPDX-License-Identifier: Apache-2.0
"""Check of the files that a VERA server loads, and of disk space for those that are missing."""

import os
from collections.abc import Iterable
from pathlib import Path

from vera_ros.checkpoints.hashes import UNVERIFIED
from vera_ros.doctor.facts.bytes import free_space, size
from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.finding import Finding, failure, not_needed, ok, warning
from vera_ros.server.checkpoint_files import Placed
from vera_ros.server.checkpoints import Checkpoints

NAME = "checkpoints"

# Options of doctor that name the same folder as a variable.
_OPTIONS = {"VERA_CKPT_ROOT": "--ckpt-root", "VERA_WAN_ROOT": "--wan-root"}
# Where the table has no command.
_OWN = "put these files there, or choose others"
_NON_COMMERCIAL = "NC"
_UNITS = {"MB": 1e6, "GB": 1e9}


def check(context: Context) -> list[Finding]:
    """Check that every file of the embodiment is there, where VERA is to run here."""
    options = context.options
    if not options.serves_vera:
        return [not_needed(NAME, f"--server {options.server} loads no weights here")]
    return judge(Checkpoints(context.settings, os.environ), verify=options.verify)


def judge(checkpoints: Checkpoints, *, verify: bool = False) -> list[Finding]:
    """Check that every bundle of the embodiment is complete, or else that the disk has space.

    Args:
        checkpoints: the bundles.
        verify: whether to read them, and compare them with the hashes that the table records.
    """
    if checkpoints.refusal is not None:
        return [failure(NAME, checkpoints.refusal.why, checkpoints.refusal.remedy)]
    placed = checkpoints.placed
    findings = {name: _judge_bundle(name, bundle, verify) for name, bundle in placed.items()}
    failed = (placed[name] for name, finding in findings.items() if finding.mend)
    missing = [bundle for bundle in failed if not bundle.unreadable]
    return [*findings.values(), *_judge_space(missing)]


def _judge_bundle(name: str, placed: Placed, verify: bool) -> Finding:
    bundle = placed.bundle
    if placed.folder is None:
        variable = placed.place.root.host_variable
        option = f" (or {_OPTIONS[variable]} <folder>)" if variable in _OPTIONS else ""
        return failure(
            name,
            placed.complaint,
            f"export {variable}=<folder>{option}; {bundle.fetch}",
        )
    if placed.complaint:
        return failure(name, placed.complaint, placed.command or _OWN)
    difference = placed.verify() if verify else ""
    if difference:
        return failure(name, difference, placed.command or _OWN)
    total = sum(path.stat().st_size for path in placed.files if path.is_file())
    licence = bundle.licence or "no licence named"
    use = ": non-commercial use only" if _NON_COMMERCIAL in licence else ""
    trust = _describe_trust(placed, verify)
    return ok(name, f"{size(total)} in {placed.folder} ({licence}{use}; {trust})")


def _describe_trust(placed: Placed, verify: bool) -> str:
    known, count = len(placed.hashes), len(placed.files)
    if not known:
        return UNVERIFIED
    files = "" if known == count else f" {known} of {count} files"
    return f"verified{files}" if verify else f"unverified: --verify reads{files or ' them'}"


def _judge_space(missing: Iterable[Placed]) -> list[Finding]:
    """Check the space for missing bundles; empty: none is missing, or its folder is not known."""
    needed: dict[Path, float] = {}
    for placed in missing:
        path = placed.place.path
        if path is not None and placed.bundle.size:
            needed[path] = needed.get(path, 0.0) + _bytes(placed.bundle.size)
    findings = []
    for path, wanted in needed.items():
        free = free_space(path)
        if free < wanted:
            findings.append(
                warning(
                    "disk space",
                    f"{size(free)} free at '{path}', where about {size(wanted)} are missing",
                    "free some space, or choose a folder on another disk",
                )
            )
        else:
            findings.append(
                ok("disk space", f"{size(free)} free at '{path}', about {size(wanted)} to come")
            )
    return findings


def _bytes(text: str) -> float:
    """Convert a rough size of the table, like `about 2.8 GB`."""
    *_, number, unit = text.split()
    return float(number) * _UNITS[unit]
