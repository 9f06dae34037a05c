# SPDX-License-Identifier: Apache-2.0
"""Records what the images and checkpoints of others are now: scripts/pin.

Into config/checkpoints.json go the digest of each image, and revision, size and SHA-256 of each
published file; the Dockerfiles and the compose file get the digests as well. Nothing here is typed
by hand: what cannot be looked up stays as it is. Review the difference before you commit it.
"""

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vera_ros.checkpoints.hashes import sha256_of
from vera_ros.checkpoints.table import Bundle, read_table

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE_S = 60.0
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_RESOLVED = re.compile(r"/([^/\s]+/[^/\s]+)/resolve/main/\S+$")


@dataclass(frozen=True)
class PublishedFile:
    """Size [B] and SHA-256 of a file, as its publisher has it."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Published:
    """What a publisher has of a bundle; revision None: it counts none."""

    revision: str | None
    files: Mapping[str, PublishedFile]


def image_digest(name: str) -> str:
    """Return the digest of an image's manifest, which Docker asks its registry for."""
    command = ["docker", "buildx", "imagetools", "inspect", "--format", "{{.Manifest.Digest}}"]
    try:
        said = subprocess.run(
            [*command, name], capture_output=True, text=True, check=False, timeout=_PATIENCE_S
        )
    except subprocess.TimeoutExpired as error:
        raise LookupError(f"Docker did not answer within {_PATIENCE_S:g} s") from error
    digest = said.stdout.strip()
    if said.returncode or not _DIGEST.fullmatch(digest):
        raise LookupError(f"Docker finds no digest of {name}: {said.stderr.strip() or digest}")
    return digest


def published(bundle: Bundle) -> Published:
    """Return what the publisher of a bundle has, by the command that fetches it."""
    words = shlex.split(bundle.command)
    resolved = _RESOLVED.search(bundle.command)
    if words[:2] == ["hf", "download"]:
        folder = f"{bundle.folder}/" if bundle.root == "checkpoints" else ""
        return _in_repository(words[2], folder, bundle)
    if resolved:
        return _in_repository(resolved[1], "", bundle)
    if words[0] == "curl":
        return Published(None, {bundle.files[0].path: _downloaded(words[-1])})
    raise LookupError("it comes by a command that says nothing of revisions")


def _in_repository(repository: str, folder: str, bundle: Bundle) -> Published:
    from huggingface_hub import HfApi, hf_hub_download

    info = HfApi().model_info(repository, files_metadata=True)
    listed = {entry.rfilename: entry for entry in info.siblings}
    files = {}
    for file in bundle.files:
        entry = listed.get(folder + file.path)
        if entry is None:
            continue
        if entry.lfs is not None:
            files[file.path] = PublishedFile(entry.lfs.size, entry.lfs.sha256)
            continue
        with tempfile.TemporaryDirectory() as scratch:
            path = hf_hub_download(
                repository, entry.rfilename, revision=info.sha, local_dir=scratch
            )
            files[file.path] = _measured(Path(path))
    return Published(info.sha, files)


def _downloaded(address: str) -> PublishedFile:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "file")
        with (
            urllib.request.urlopen(address, timeout=_PATIENCE_S) as answer,
            path.open("wb") as file,
        ):
            shutil.copyfileobj(answer, file)
        return _measured(path)


def _measured(path: Path) -> PublishedFile:
    return PublishedFile(path.stat().st_size, sha256_of(path))


def with_published(table: str, name: str, bundle: Published) -> str:
    """Return the text of the table with what a bundle's publisher has; the rest is as it was."""
    begin = re.search(rf'^    "{re.escape(name)}": \{{\n', table, re.MULTILINE)
    if begin is None:
        raise LookupError(f"the table has no bundle {name}")
    end = table.index("\n    }", begin.end())
    block = table[begin.end() : end]
    block = re.sub(
        r'"revision": [^,]*', lambda _: f'"revision": {json.dumps(bundle.revision)}', block
    )
    for path, file in bundle.files.items():
        wanted = rf'(\{{"path": {re.escape(json.dumps(path))},.*?"bytes": )\S+?(, "sha256": )[^}}]*'
        block = re.sub(
            wanted,
            lambda found, file=file: f'{found[1]}{file.bytes}{found[2]}"{file.sha256}"',  # type: ignore[misc]
            block,
        )
    return table[: begin.end()] + block + table[end:]


def with_digest(text: str, image: str, digest: str) -> str:
    """Return a file's text with the digest behind each name of an image, and in the table."""
    name = re.escape(image)
    text = re.sub(
        rf'("name": "{name}", "digest": )(null|"[^"]*")',
        lambda found: f'{found[1]}"{digest}"',
        text,
    )
    return re.sub(
        rf"((?:FROM|syntax=|image:)[ ]*{name})(@sha256:[0-9a-f]{{64}})?$",
        lambda found: f"{found[1]}@{digest}",
        text,
        flags=re.MULTILINE,
    )


def pin(
    root: Path,
    find_digest: Callable[[str], str] = image_digest,
    find_published: Callable[[Bundle], Published] = published,
    only: Iterable[str] = (),
) -> list[str]:
    """Write what is found into the files below a folder; return what was not found, in words.

    Args:
        root: of the repository.
        find_digest: returns the digest of an image.
        find_published: returns what the publisher of a bundle has.
        only: names of images and bundles; empty: all.
    """
    file = root / "config" / "checkpoints.json"
    table = read_table(file)
    chosen = set(only) or {*table.images, *table.bundles}
    complaints = []
    files = [file, *root.glob("docker/*/Dockerfile"), root / "docker" / "compose.yaml"]
    texts: dict[Path, str] = {path: path.read_text() for path in files}
    for name, image in table.images.items():
        if name not in chosen:
            continue
        try:
            digest = find_digest(image.name)
        except (LookupError, OSError) as error:
            complaints.append(f"{name}: {error}")
            continue
        texts = {path: with_digest(text, image.name, digest) for path, text in texts.items()}
    for name, bundle in table.bundles.items():
        if name not in chosen or bundle.in_image:  # its commit is in the Dockerfile
            continue
        try:
            found = find_published(bundle)
        except Exception as error:  # of the network, in many libraries
            complaints.append(f"{name}: {error}")
            continue
        texts[file] = with_published(texts[file], name, found)
        complaints += [
            f"{name}: its publisher has no {entry.path}"
            for entry in bundle.files
            if entry.path not in found.files
        ]
    for path, text in texts.items():
        path.write_text(text)
    return complaints


def main() -> int:
    """Look everything up; return 1 when something was not found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("only", nargs="*", help="images and bundles of the table (default all)")
    only = parser.parse_args().only
    table = read_table(ROOT / "config" / "checkpoints.json")
    unknown = sorted(set(only) - {*table.images, *table.bundles})
    if unknown:
        known = ", ".join((*table.images, *table.bundles))
        parser.error(f"the table has no {' and no '.join(unknown)}; valid are {known}")
    complaints = pin(ROOT, only=only)
    for complaint in complaints:
        print(f"not found: {complaint}", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
