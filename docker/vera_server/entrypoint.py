#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts the VERA server in its container, or reports what keeps it from starting.

The container's variables become the server's command line and the variables that it reads; the
mounted folders become the paths of its checkpoints. What is missing is named together with the
command that gets it: nothing is ever downloaded. Standard library only.
"""

import argparse
import os
import shlex
import sys
import tempfile
from pathlib import Path

from bundle_folders import load_table, recorded_hashes, terms
from settings import Settings, SettingsError, filled, read_settings
from start import Start, prepare

from vera_ros.checkpoints.hashes import UNVERIFIED, hash_complaint
from vera_ros.checkpoints.runs import RunNotFoundError
from vera_ros.checkpoints.table import Table


def main() -> int:
    """Start the server; return 1 when files are missing, 2 when settings cannot be used.

    With --verify, return 1 as well unless each file is known to be the published one.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="print what would be run and what is missing, and exit"
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="read all files, compare them with the hashes in config/checkpoints.json, and exit",
    )
    options = parser.parse_args()
    environment = filled(os.environ)
    table = load_table()
    try:
        settings = read_settings(table, environment)
        start = prepare(table, settings, environment)
    except (SettingsError, RunNotFoundError) as error:
        say(f"error: {error}")
        return 2
    report(table, settings, start)
    if start.gaps:
        return 1
    if options.verify:
        return verify(table, start)
    if not options.check:
        os.chdir(working_folder(start))
        os.execvpe(start.command[0], start.command, start.variables)
    return 0


def report(table: Table, settings: Settings, start: Start) -> None:
    """Print the server's command and environment, its bundles' licences, and what is missing."""
    say(shlex.join(start.command))
    changed = {n: v for n, v in start.variables.items() if os.environ.get(n) != v}
    for name, value in sorted(changed.items()):
        say(f"  {name}={value}")
    known = {name for name, _, _ in recorded_hashes(table, start.published, start.variables)}
    for name in start.bundles:
        trust = "unverified: --verify reads it" if name in known else UNVERIFIED
        say(f"  uses {name}: {terms(table.bundles[name])}; {trust}")
    if not start.gaps:
        say("nothing is missing")
        return
    say(f"\nerror: {settings.embodiment} cannot start")
    for gap in start.gaps:
        say("")
        for complaint in gap.complaints:
            say(complaint)
        if gap.command:
            say(f"  get it ({gap.terms}):\n    {gap.command}")
    say("\nRun the commands on the host, not in this container. Their variables:")
    for root in table.roots.values():
        if root.mounted is not None:
            place = Path(root.container, root.mounted)
            part = f", whose {root.mounted} is" if root.mounted else ","
            usual = f" ({root.default} unless you have another)" if root.default else ""
            say(f"  {root.host_variable}: the folder{usual}{part} mounted at {place}")
    say("hf comes with: python3 -m venv ~/hf && ~/hf/bin/pip install 'huggingface_hub>=1'")


def verify(table: Table, start: Start) -> int:
    """Compare the bundles with the recorded hashes; return 0 when every file is verified."""
    hashes = list(recorded_hashes(table, start.published, start.variables))
    complaints = [text for _, path, recorded in hashes if (text := hash_complaint(path, recorded))]
    unverified = False
    for name in start.bundles:
        count = sum(bundle == name for bundle, _, _ in hashes)
        files = len(table.bundles[name].files)
        unverified |= count < files
        say(f"  {name}: {count} of {files} files compared" if count else f"  {name}: {UNVERIFIED}")
    for complaint in complaints:
        say(f"error: {complaint}")
    say("verified" if not (complaints or unverified) else "not verified")
    return 1 if complaints or unverified else 0


def working_folder(start: Start) -> str:
    """Return a folder to run in, where the text encoder's tokenizer is found by its relative name.

    The planner asks for `google/umt5-xxl`, which is a folder of the Wan base, or else a download.
    """
    folder = tempfile.mkdtemp(prefix="vera_server_")
    tokenizers = start.wan / "google"
    if os.path.isdir(tokenizers):
        Path(folder, "google").symlink_to(tokenizers)
    return folder


def say(text: str) -> None:
    """Print a line for the container's log."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
