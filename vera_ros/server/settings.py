# SPDX-License-Identifier: Apache-2.0
"""Settings of the policy server: one validated model of all, whatever their source."""

import os
import re
import shutil
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from vera_ros.checkpoints.table import Table, read_table
from vera_ros.embodiments import EMBODIMENTS, Embodiment
from vera_ros.resources import share_path
from vera_ros.wire.connection.access import ACCESS_FILES, ServerAccess
from vera_ros.wire.connection.address import url_of, why_no_host

Mode = Literal["attach", "docker", "subprocess", "reference"]

_LAUNCHING = ("docker", "subprocess")  # modes that start VERA itself
_OWN_PORT = -1
_GPU = re.compile(r"(\d+|(GPU|MIG)-[0-9A-Za-z/-]+)?", re.ASCII)
_IMAGE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/:@-]{0,254}", re.ASCII)


def _setting(
    default: Any, description: str, unit: str = "", enum: tuple[str, ...] = (), **constraints: Any
) -> Any:
    more: dict[str, Any] = {"unit": unit} | ({"enum": list(enum)} if enum else {})
    return Field(default, description=description, json_schema_extra=more, **constraints)


def load_table() -> Table:
    """Return the packaged table of checkpoints."""
    return read_table(share_path("config", "checkpoints.json"))


class ServerSettings(BaseModel):
    """The settings of a policy server; the only place of defaults, ranges and meanings.

    A text that is empty or `auto` leaves the choice to the server, and so does 0 for
    `sample_steps` and `motion_plan_scale`.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )

    server_mode: Mode = _setting(
        "attach",
        "attach: use a server that runs already; docker, subprocess: start VERA, unless one runs "
        "already; reference: host the reference policy",
    )
    embodiment: str = _setting(
        "mimicgen", "the robot kind that the server must serve", enum=tuple(EMBODIMENTS)
    )
    server_host: str = _setting(
        "127.0.0.1", "address of the server; a server started here listens on this address only"
    )
    server_port: int = _setting(
        _OWN_PORT, "port of the server; -1: the embodiment's own", ge=_OWN_PORT, le=65535
    )
    server_tls: bool = _setting(False, "attach: whether the server is behind TLS (wss://)")
    server_ca_file: str = _setting("", ACCESS_FILES["server_ca_file"])
    server_certificate_file: str = _setting("", ACCESS_FILES["server_certificate_file"])
    server_key_file: str = _setting("", ACCESS_FILES["server_key_file"])
    server_token_file: str = _setting("", ACCESS_FILES["server_token_file"])
    vis_port: int = _setting(
        _OWN_PORT,
        "port of the server's live viewer; 0: no viewer, -1: the embodiment's own",
        ge=_OWN_PORT,
        le=65535,
    )
    ready_timeout_s: float = _setting(
        900.0, "time for the server to become ready", "s", ge=1.0, le=7200.0
    )
    algo_config: str = _setting(
        "", "the planner's algo_config.yaml (docker: as a path in the container, below /ckpts)"
    )
    dynamics_run_id: str = _setting(
        "", "docker: run id of the inverse dynamics model, whose folder is in ckpt_root"
    )
    text_prompt: str = _setting("", "prompt for requests without one")
    ckpt_root: str = _setting("", "folder with VERA's checkpoints")
    wan_root: str = _setting("", "folder with the Wan2.1 base model")
    torch_home: str = _setting(
        "",
        "PyTorch's cache on this machine, with the tracker; empty: PyTorch's default, TORCH_HOME "
        "or else ~/.cache/torch",
    )
    hf_home: str = _setting(
        "",
        "Hugging Face's cache on this machine, with the backbone; empty: its library's default, "
        "HF_HOME or else ~/.cache/huggingface",
    )
    sample_steps: int = _setting(0, "denoising steps; 0: the checkpoint's own", ge=0, le=1000)
    tracker_backend: Literal["auto", "cotracker", "alltracker"] = _setting(
        "auto", "the point tracker of the inverse dynamics model; auto: the embodiment's own"
    )
    motion_plan_scale: float = _setting(
        0.0, "factor of the planned motion; 0: the server's own", ge=0.0, le=100.0
    )
    teacache: float = _setting(
        0.1, "how much change the planner's cache ignores; 0 or off: no cache", ge=0.0, le=1.0
    )
    image: str = _setting("vera-server", "docker: the image of the server", min_length=1)
    build_image: bool = _setting(False, "docker: build the image if it does not exist")
    gpu: str = _setting(
        "0", "docker: the one GPU that VERA uses, by its index or UUID (nvidia-smi -L); empty: none"
    )
    memory_gb: float = _setting(
        0.0,
        "docker: memory that the server may use; 0: four fifths of this machine's",
        "GiB",
        ge=0.0,
        le=4096.0,
    )
    interpreter: str = _setting(
        "", "subprocess: path of the Python that has VERA; empty: the one that runs this process"
    )
    pythonpath: str = _setting("", "subprocess: PYTHONPATH of the server, such as a VERA checkout")

    @property
    def kind(self) -> Embodiment:
        """The robot kind."""
        return EMBODIMENTS[self.embodiment]

    @property
    def port(self) -> int:
        """The server's port."""
        return self.kind.policy_port if self.server_port == _OWN_PORT else self.server_port

    @property
    def viewer_port(self) -> int:
        """The live viewer's port; 0: none."""
        return self.kind.viewer_port if self.vis_port == _OWN_PORT else self.vis_port

    @property
    def tracker(self) -> str:
        """The point tracker; empty: the server chooses."""
        return "" if self.tracker_backend == "auto" else self.tracker_backend

    @property
    def url(self) -> str:
        """The URL at which a client on this machine reaches the server."""
        return url_of(self.server_host, self.port, "wss" if self.server_tls else "ws")

    @property
    def access(self) -> ServerAccess:
        """What proves server and client to each other."""
        return ServerAccess.of(self.model_dump(include=set(ACCESS_FILES)))

    # Checks beyond ranges. Fields are validated in the order above: a check can use earlier ones.

    @field_validator("*")
    @classmethod
    def _text(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("no command line can contain its NUL character; remove it")
        return value

    @field_validator("embodiment")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in EMBODIMENTS:
            raise ValueError(f"valid is {' | '.join(EMBODIMENTS)}")
        return value

    @field_validator("server_host")
    @classmethod
    def _is_host(cls, value: str) -> str:
        why = why_no_host(value)
        if why:
            raise ValueError(why)
        return value

    @field_validator("server_port")
    @classmethod
    def _not_zero(cls, value: int) -> int:
        if value == 0:
            raise ValueError("valid is 1 … 65535, or -1 for the embodiment's own")
        return value

    @field_validator("server_tls")
    @classmethod
    def _behind_proxy(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("server_mode") != "attach":
            raise ValueError("a server that is started here has no TLS; valid is false")
        return value

    @field_validator("vis_port")
    @classmethod
    def _apart(cls, value: int, info: ValidationInfo) -> int:
        known = info.data
        if known.keys() >= {"embodiment", "server_port", "server_mode"}:
            port, viewer_port = (
                own if given == _OWN_PORT else given
                for given, own in (
                    (known["server_port"], EMBODIMENTS[known["embodiment"]].policy_port),
                    (value, EMBODIMENTS[known["embodiment"]].viewer_port),
                )
            )
            if known["server_mode"] in _LAUNCHING and port == viewer_port:
                raise ValueError(f"{port} is the policy server's port; choose another, or 0")
        return value

    @field_validator("tracker_backend")
    @classmethod
    def _tracks(cls, value: str, info: ValidationInfo) -> str:
        launches = info.data.get("server_mode") in _LAUNCHING
        if launches and value != "auto" and "embodiment" in info.data:
            valid = load_table().embodiments[info.data["embodiment"]].trackers
            if value not in valid:
                raise ValueError(
                    f"valid for {info.data['embodiment']} is {' | '.join(('auto', *valid))}"
                )
        return value

    @field_validator("image")
    @classmethod
    def _no_option(cls, value: str) -> str:
        if not _IMAGE.fullmatch(value):
            raise ValueError("valid is the name of an image, like vera-server or vera-server:1.0")
        return value

    @field_validator("gpu")
    @classmethod
    def _one_gpu(cls, value: str) -> str:
        if not _GPU.fullmatch(value):
            raise ValueError("valid is an index, like 0, or a UUID, like GPU-3a23c669-1f69-...")
        return value

    @field_validator("teacache", mode="before")
    @classmethod
    def _off(cls, value: Any) -> Any:
        return 0.0 if value == "off" else value

    @field_validator("ckpt_root", "wan_root", "torch_home", "hf_home")
    @classmethod
    def _folder(cls, value: str, info: ValidationInfo) -> str:
        if not value or info.data.get("server_mode") not in _LAUNCHING:
            return value
        path = Path(value).expanduser().absolute()
        if not path.is_dir():
            raise ValueError("there is no such folder; give the path of an existing one")
        if not os.access(path, os.R_OK | os.X_OK):
            raise ValueError("this folder is not readable; change its permissions")
        return str(path)

    @field_validator("algo_config")
    @classmethod
    def _file(cls, value: str, info: ValidationInfo) -> str:
        if not value or info.data.get("server_mode") != "subprocess":
            return value
        path = Path(value).expanduser().absolute()
        if not path.is_file():
            raise ValueError("there is no such file; give the path of an algo_config.yaml")
        return str(path)

    @field_validator("interpreter")
    @classmethod
    def _program(cls, value: str, info: ValidationInfo) -> str:
        if not value or info.data.get("server_mode") != "subprocess":
            return value
        found = shutil.which(Path(value).expanduser())
        if found is None:
            raise ValueError(
                "there is no such program; give the path of the Python that has VERA, like "
                "/opt/conda/envs/vera/bin/python"
            )
        return found
