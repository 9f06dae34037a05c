# SPDX-License-Identifier: Apache-2.0
"""Options of a run of the demo."""

import os
from dataclasses import dataclass
from pathlib import Path

from vera_ros.bringup.graph_options import DEFAULT_EMBODIMENT, find_arm
from vera_ros.errors import ConfigurationError
from vera_ros.robots.registry import SIMULATED, find_robot
from vera_ros.robots.stacking.tables import TABLES
from vera_ros.sim.sabotage import check_sabotage
from vera_ros.wire.connection.address import EXAMPLE, split_url, without_password

SABOTAGE_TIME_LIMIT_S = 25.0

MODES = ("sync", "async")
_REALTIME_FACTORS = (0.05, 20.0)  # those of sim_node


@dataclass(frozen=True)
class DemoOptions:
    """Validated options of a run.

    Attributes:
        embodiment: which robot is simulated, one of vera_ros.robots.registry.SIMULATED.
        episodes: number of episodes.
        seed: of the first episode; each episode adds one.
        headless: plain lines of progress instead of a live display.
        report: where the JSON report goes.
        video: where the film goes; None: no film.
        server: where the policy comes from, one of vera_ros.bringup.graph_options.SERVERS.
        server_url: of the policy server; None: the default, for the reference server a free port.
        sabotage: what is done to the pictures, one of SABOTAGES.
        table: the table top in the pictures, one of TABLES; None: as the parameter file has it.
        realtime_factor: simulated time over real time.
        lockstep: simulated time stands still during inference.
        mode: `sync`, or `async` to request the next chunk while one plays.
        server_delay_s: added to every inference of the reference server.
        prompt: the task, in words; None: what each scene poses.
        time_limit_s: simulated time that an episode may take.
        config: ROS parameter file of the nodes; None: the packaged one.
        arm: which arm, a name in config/arms or the path of such a file; empty: the
            embodiment's own robot.
    """

    embodiment: str = DEFAULT_EMBODIMENT
    episodes: int = 3
    seed: int = 0
    headless: bool = False
    report: Path = Path("report.json")
    video: Path | None = Path("demo.mp4")
    server: str = "reference"
    server_url: str | None = None
    sabotage: str = "none"
    table: str | None = None
    realtime_factor: float = 1.0
    lockstep: bool = False
    mode: str = "sync"
    server_delay_s: float = 0.0
    prompt: str | None = None
    time_limit_s: float = find_robot(DEFAULT_EMBODIMENT).task.time_limit_s
    config: Path | None = None
    arm: str = ""

    def __post_init__(self) -> None:
        """Validate the options.

        Raises:
            ConfigurationError: an option is invalid.
        """
        if self.embodiment not in SIMULATED:
            raise ConfigurationError(
                f"--embodiment is '{self.embodiment}'; valid is {' | '.join(SIMULATED)}"
            )
        if not 1 <= self.episodes <= 10_000:
            raise ConfigurationError(f"--episodes is {self.episodes}; valid is 1 … 10000")
        last_seed = 2**31 - self.episodes
        if not 0 <= self.seed <= last_seed:
            raise ConfigurationError(f"--seed is {self.seed}; valid is 0 … {last_seed}")
        low, high = _REALTIME_FACTORS
        if not low <= self.realtime_factor <= high:
            raise ConfigurationError(
                f"--realtime-factor is {self.realtime_factor:g}; valid is {low:g} … {high:g}"
            )
        if self.lockstep and self.realtime_factor != 1.0:
            raise ConfigurationError(
                f"--realtime-factor is {self.realtime_factor:g} with --lockstep, where time passes "
                "on request only; leave one of them out"
            )
        if self.mode not in MODES:
            raise ConfigurationError(f"--mode is '{self.mode}'; valid is {' | '.join(MODES)}")
        if self.lockstep and self.mode != "sync":
            raise ConfigurationError(
                f"--mode is '{self.mode}' with --lockstep, where the arm does not wait for the "
                "server anyway; leave one of them out"
            )
        if not 0.0 <= self.server_delay_s <= 600.0:
            raise ConfigurationError(
                f"--server-delay is {self.server_delay_s:g} s; valid is 0 … 600"
            )
        if self.server_delay_s and self.server != "reference":
            raise ConfigurationError(
                f"--server-delay is {self.server_delay_s:g} s with --server {self.server}; it is "
                "for the reference server only: leave one of them out"
            )
        if not 1.0 <= self.time_limit_s <= 86_400.0:
            raise ConfigurationError(f"--time-limit is {self.time_limit_s:g} s; valid is 1 … 86400")
        check_sabotage(self.sabotage, len(find_robot(self.embodiment).cameras))
        if self.table is not None and self.table not in TABLES:
            raise ConfigurationError(f"--table is '{self.table}'; valid is {' | '.join(TABLES)}")
        if self.prompt is not None and not self.prompt.strip():
            raise ConfigurationError("--prompt is empty; say what the robot should do")
        if self.server_url is not None:
            _check_url(self.server_url)
        if self.config is not None and not self.config.is_file():
            raise ConfigurationError(
                f"--config is '{self.config}', which is not a file; name a ROS parameter file, "
                f"such as a copy of config/{find_robot(self.embodiment).config}"
            )
        if self.arm:
            find_arm(self.arm)
        _check_writable("--report", self.report)
        if self.video is not None:
            if self.video.suffix.lower() != ".mp4":
                raise ConfigurationError(
                    f"--video is '{self.video}'; the film is an MP4: let the name end in .mp4"
                )
            _check_writable("--video", self.video)

    def prompt_of(self, seed: int) -> str:
        """Return the task of an episode, in words."""
        return self.prompt or find_robot(self.embodiment).prompt_of(seed)

    def as_json(self) -> dict[str, str | int | float | bool | None]:
        """Return the options as plain values, for the report; in lockstep there is no factor."""
        values = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in vars(self).items()
        }
        return values | {"realtime_factor": None if self.lockstep else self.realtime_factor}


def _check_url(url: str) -> None:
    if "://" not in url:
        raise ConfigurationError(
            f"--server is '{without_password(url)}'; valid is reference, docker, subprocess, or an "
            f"address like {EXAMPLE} (ws or wss, host, port)"
        )
    split_url("--server", url)


def _check_writable(option: str, path: Path) -> None:
    folder = path.parent
    if path.is_dir():
        raise ConfigurationError(f"{option} is '{path}', a folder; name a file in it")
    if not folder.is_dir():
        raise ConfigurationError(
            f"{option} is '{path}', but there is no folder '{folder}'; make it"
        )
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise ConfigurationError(f"{option} is '{path}', which is not writable; choose another")
