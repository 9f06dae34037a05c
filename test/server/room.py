# SPDX-License-Identifier: Apache-2.0
"""Room for real servers: a launcher that stands for VERA's, a Docker engine, and who is left."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vera_ros.server.settings import load_table

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "test" / "server" / "launcher"
PATIENCE_S = 60.0
IMAGE = "vera-server"


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Wait for something that other processes do."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"waited {PATIENCE_S:g} s for {what}"
        time.sleep(0.01)


def write_checkpoints(folder: Path, embodiment: str = "mimicgen") -> dict[str, str]:
    """Write all that an embodiment needs, in sparse files; return the settings that name it."""
    table = load_table()
    settings = {"ckpt_root": "checkpoints", "wan_root": "wan", "torch_home": "torch"}
    settings |= {"hf_home": "hugging_face"}
    for name in settings.values():
        (folder / name).mkdir(parents=True)
    needs = table.embodiments[embodiment]
    trackers = table.trackers[needs.trackers[0]] if needs.trackers else ()
    for name in (*needs.bundles, *trackers):
        bundle = table.bundles[name]
        place = folder / bundle.root / bundle.folder
        if bundle.cached_repository:
            write_file(place / "refs" / "main", b"a1b2c3")
            place = place / "snapshots" / "a1b2c3"
        for file in bundle.files:
            write_file(place / file.path, b"weights")
            os.truncate(place / file.path, file.bytes or 7)
    return {setting: str(folder / name) for setting, name in settings.items()}


def write_file(path: Path, content: bytes) -> None:
    """Write a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


class Room:
    """Whatever a test starts carries the room's tag in its environment, and so can be found."""

    def __init__(self, tag: str, port: int) -> None:
        self.tag = tag
        self.port = port
        # What the server's own Python needs to find the launcher and vera_ros.
        self.pythonpath = os.pathsep.join([str(LAUNCHER), *filter(None, sys.path)])
        self.checkpoints = write_checkpoints(Path(tag, "vera"))

    def settings(self, **more: Any) -> dict[str, Any]:
        """Parameters of a server in this room."""
        subprocess = more.get("server_mode") == "subprocess"
        return {
            **(self.checkpoints if subprocess else {}),
            "server_port": self.port,
            "vis_port": 0,
            "ready_timeout_s": PATIENCE_S,
            "pythonpath": self.pythonpath,
            **more,
        }

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a server in this room."""
        inherited = {name: v for name, v in os.environ.items() if not name.startswith("VERA_")}
        return {**inherited, "VERA_TEST_TAG": self.tag, "TMPDIR": self.tag, **more}

    def processes(self, word: str = "") -> list[int]:
        """Ids of the processes of this room whose command line has the word."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"VERA_TEST_TAG={self.tag}".encode() not in (folder / "environ").read_bytes():
                    continue
                if word.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
        return found

    def is_empty(self) -> bool:
        """Whether nothing is left."""
        return not self.processes()

    def clear(self) -> None:
        """Fail if anything is left, and end it."""
        left = self.processes()
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, 9)
        assert not left, "processes were left behind"


class Engine:
    """A Docker engine that is a folder, see fake_docker.py."""

    def __init__(self, folder: Path, room: Room) -> None:
        self._folder = folder
        self._room = room
        (folder / "containers").mkdir(parents=True)
        (folder / "networks").mkdir()
        (folder / "calls").touch()
        (folder / "images").write_text(f"{IMAGE}\n")
        programs = folder / "bin"
        programs.mkdir()
        script = (ROOT / "test" / "server" / "fake_docker.py").read_text()
        self.program = programs / "docker"
        self.program.write_text(script.replace("/usr/bin/env python3", sys.executable, 1))
        self.program.chmod(0o755)
        self.behave()

    def behave(self, **how: str) -> None:
        """Decide what goes wrong; nothing by default."""
        (self._folder / "behaviour.json").write_text(json.dumps(how))

    def forget_images(self) -> None:
        (self._folder / "images").write_text("")

    @property
    def environment(self) -> dict[str, str]:
        """Has its `docker` on PATH."""
        return self._room.environment(
            PATH=f"{self._folder / 'bin'}:{os.environ['PATH']}",
            FAKE_DOCKER=str(self._folder),
            FAKE_DOCKER_PYTHONPATH=self._room.pythonpath,
            FAKE_DOCKER_ROOT=str(ROOT),
        )

    @property
    def containers(self) -> dict[str, dict[str, Any]]:
        """What runs, by name."""
        found = {}
        for file in (self._folder / "containers").glob("*.json"):
            with contextlib.suppress(FileNotFoundError):  # it has just ended
                found[file.stem] = json.loads(file.read_text())
        return found

    @property
    def server(self) -> dict[str, Any]:
        """The only container that is no door."""
        (server,) = (c for name, c in self.containers.items() if not name.endswith("-door"))
        return server

    @property
    def is_empty(self) -> bool:
        """Whether there is no container and no network."""
        return not (self.containers or list((self._folder / "networks").iterdir()))

    @property
    def calls(self) -> list[str]:
        """The command lines that it was given."""
        return (self._folder / "calls").read_text().splitlines()
