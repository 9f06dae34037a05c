# SPDX-License-Identifier: Apache-2.0
"""A machine with VERA's checkpoints, on which the container's programs run as processes."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "docker" / "vera_server" / "Dockerfile"
PROGRAMS = Path("opt", "vera", "docker", "vera_server")  # in the image
TABLE: dict[str, Any] = json.loads((ROOT / "config" / "checkpoints.json").read_text())

REVISION = "860abec"
CONFIG = """\
text_encoder:
  name: google/umt5-xxl
  ckpt_path: ${oc.env:VERA_WAN_CKPT_ROOT}/models_t5_umt5-xxl-enc-bf16.pth
vae: {z_dim: 16}
# ckpt_path: /nowhere
model:
  ckpt_path: "${oc.env:VERA_WAN_CKPT_ROOT}"
  tuned_ckpt_path: ${oc.env:VERA_MIMICGEN_CKPT_DIR}/dream.ckpt  # its name is known here alone
clip:
  ckpt_path: null
"""
# Says what it was started as.
PYTHON = f"""#!{sys.executable}
import json, os, sys
links = {{name: os.readlink(name) for name in os.listdir()}}
print(json.dumps([os.getpid(), sys.argv[1:], dict(os.environ), links]))
"""


@dataclass(frozen=True)
class Ran:
    """How a program ended.

    Attributes:
        code: its exit code.
        said: all that it said.
        pid: of its process.
        started: what it became: process, arguments, environment, working folder; or None.
    """

    code: int
    said: str
    pid: int
    started: tuple[int, list[str], dict[str, str], dict[str, str]] | None

    @property
    def arguments(self) -> list[str]:
        assert self.started is not None, self.said
        return self.started[1]

    @property
    def variables(self) -> dict[str, str]:
        assert self.started is not None, self.said
        return self.started[2]


class Machine:
    """Folders as they are mounted, and a `python` that says what it was started as.

    Attributes:
        python: runs the entrypoint.
        user: that runs it; None: this one.
        programs: the folder of the image's programs, which has what the Dockerfile copies there.
    """

    def __init__(self, folder: Path) -> None:
        self.python = sys.executable
        self.user: int | None = None
        self.folder = folder
        self.programs = copy_into_image(folder / "image")
        programs = folder / "bin"
        programs.mkdir()
        (programs / "python").write_text(PYTHON)
        (programs / "python").chmod(0o755)
        self.roots: dict[str, Path] = {name: folder / name for name in TABLE["roots"]}
        self.variables = {
            TABLE["roots"][name]["variable"]: str(path) for name, path in self.roots.items()
        } | {"PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(folder)}

    @property
    def server(self) -> str:
        """The program that the entrypoint becomes."""
        return str(self.programs / "offline_resolve.py")

    def place(self, name: str) -> Path:
        """Where a bundle's files belong."""
        bundle = TABLE["bundles"][name]
        folder = Path(self.roots[bundle["root"]], bundle["folder"])
        cached = "cached_repository" in bundle
        return folder / "snapshots" / REVISION if cached else folder

    def fill(self, embodiment: str, tracker: str = "") -> None:
        """Lay down every file of an embodiment."""
        spec = TABLE["embodiments"][embodiment]
        names = list(spec["bundles"])
        if spec["trackers"]:
            names += TABLE["trackers"][tracker or spec["trackers"][0]]
        for name in names:
            for file in TABLE["bundles"][name]["files"]:
                lay(self.place(name) / file["path"], file["bytes"])
            if "cached_repository" in TABLE["bundles"][name]:
                lay(self.place(name).parents[1] / "refs" / "main").write_text(f"{REVISION}\n")
        if embodiment == "mimicgen":
            (self.place("mimicgen-planner") / "algo_config.yaml").write_text(CONFIG)
            lay(self.place("mimicgen-planner") / "dream.ckpt")

    def run(self, *arguments: str, **variables: str) -> Ran:
        """Run the entrypoint to its end."""
        with subprocess.Popen(
            [self.python, self.programs / "entrypoint.py", *arguments],
            env=self.variables | {"PYTHONDONTWRITEBYTECODE": "1"} | variables,
            cwd=self.folder,
            user=self.user,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            out, said = process.communicate(timeout=60)
        return Ran(process.returncode, said, process.pid, json.loads(out) if out else None)


def copy_into_image(image: Path) -> Path:
    """Copy what the Dockerfile copies; return the folder of its programs."""
    for line in DOCKERFILE.read_text().splitlines():
        if not line.startswith("COPY "):
            continue
        *sources, target = line.split()[1:]
        folder = image / target.strip("/")
        folder.mkdir(parents=True, exist_ok=True)
        for source in sources:
            files = list(ROOT.glob(source))
            assert files, f"nothing is copied by: {line}"
            for file in files:
                shutil.copy(file, folder)
    forget_hashes(image / "opt/vera/config/checkpoints.json")
    return image / PROGRAMS


def forget_hashes(file: Path) -> None:
    """Make the table one before scripts/pin has recorded anything."""
    table = json.loads(file.read_text())
    for bundle in table["bundles"].values():
        for entry in bundle["files"]:
            entry["sha256"] = None
    file.write_text(json.dumps(table))


def lay(path: Path, size: int | None = None) -> Path:
    """Make a file of this size, or of one byte."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size or 1)
    return path
