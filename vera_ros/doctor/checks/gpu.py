# SPDX-License-Identifier: Apache-2.0
"""Check of the NVIDIA GPU that a VERA server needs, as nvidia-smi reports it."""

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.facts.tools import Output, ToolMissingError, run
from vera_ros.doctor.finding import (
    Finding,
    NotCheckedError,
    failure,
    not_needed,
    ok,
    warning,
)

if TYPE_CHECKING:  # what it imports may not be installed
    from vera_ros.server.settings import ServerSettings

NAME = "GPU"

_QUERY = ("index", "uuid", "name", "memory.total", "memory.free", "driver_version", "compute_cap")
_COMMAND = ("nvidia-smi", f"--query-gpu={','.join(_QUERY)}", "--format=csv,noheader,nounits")

# VERA's image has PyTorch 2.6 with CUDA 12.4, which has kernels up to compute capability 9.0.
_NEWEST_COMPUTE = (9, 0)
_CUDA_12_DRIVER = (525, 60)
_CUDA_12_4_DRIVER = (550, 54)

# Free memory [MiB]. For droid, the figure of VERA's authors for its 14B planner; the others are
# estimates from the size of all loaded weights, text encoder and backbone included.
_MEMORY_MIB = {"mimicgen": 24_000, "droid": 60_000, "pusht": 8_000}

_INSTALL_DRIVER = "install NVIDIA's driver (Ubuntu: sudo ubuntu-drivers install), then restart"
_CHOOSE = {
    "docker": "set gpu (VERA_GPU) to one that nvidia-smi -L lists",
    "subprocess": "export CUDA_VISIBLE_DEVICES=<UUID of one that nvidia-smi -L lists>",
}
_UPDATE_DRIVER = "update NVIDIA's driver (Ubuntu: sudo ubuntu-drivers install), then restart"


@dataclass(frozen=True)
class Gpu:
    """One GPU in nvidia-smi's list.

    Attributes:
        index: its index in the list.
        uuid: its UUID.
        name: its model.
        total_mib: its memory, [MiB]; None: not reported.
        free_mib: its free memory, [MiB]; None: not reported.
        driver: version of the driver, like 550.54.14.
        compute: compute capability, like (8, 9).
    """

    index: str
    uuid: str
    name: str
    total_mib: int | None
    free_mib: int | None
    driver: str
    compute: tuple[int, ...]


def check(context: Context) -> list[Finding]:
    """Check the GPU that VERA will use, where it is to run here."""
    server = context.options.server
    if not context.options.serves_vera:
        return [not_needed(NAME, f"--server {server} runs no VERA here")]
    try:
        output = run(_COMMAND, context.deadline)
    except ToolMissingError as error:
        return [failure(NAME, f"{error}: no NVIDIA driver", _INSTALL_DRIVER)]
    return [judge(output, context.settings, os.environ)]


def judge(output: Output, settings: "ServerSettings", environ: Mapping[str, str]) -> Finding:
    """Check that VERA's GPU, the first visible one, suits its PyTorch and has memory for models.

    Args:
        output: of nvidia-smi.
        settings: of the server.
        environ: of this process, which a server without a container inherits.

    Raises:
        NotCheckedError: nvidia-smi's list does not show which GPU that is.
    """
    choose = _CHOOSE[settings.server_mode]
    if output.code != 0:
        words = " ".join((output.out + output.error).split())
        return failure(NAME, f"nvidia-smi: {words or output.why}", _INSTALL_DRIVER)
    gpus = parse(output.out)
    if not gpus:
        return failure(NAME, "nvidia-smi lists no GPU", "nvidia-smi -L")
    wanted = visible(settings, environ)
    seen = [_find(gpus, name) for name in wanted] if wanted is not None else [*gpus]
    if not seen:
        return warning(NAME, "no GPU is visible to VERA, which is made for one", choose)
    missing = [name for name in wanted or () if _find(gpus, name) is None]
    if missing:
        there = ", ".join(gpu.index for gpu in gpus)
        return failure(NAME, f"there is no GPU {missing[0]}; valid is {there}", choose)
    gpu, *others = filter(None, seen)
    if any(other.name != gpu.name for other in others) and _may_count_otherwise(wanted, environ):
        return warning(
            NAME,
            f"VERA uses the first of {', '.join([gpu.name, *(o.name for o in others)])}, and CUDA "
            "may number them in another order",
            choose,
        )
    return _judge_gpu(gpu, settings.embodiment)


def _judge_gpu(gpu: Gpu, embodiment: str) -> Finding:
    driver = _version(gpu.driver)
    if driver < _CUDA_12_DRIVER:
        found = f"{gpu.name}: driver {gpu.driver} does not support CUDA 12"
        return failure(NAME, found, _UPDATE_DRIVER)
    if gpu.compute > _NEWEST_COMPUTE:
        compute = ".".join(map(str, gpu.compute))
        return warning(
            NAME,
            f"{gpu.name}: compute capability {compute} is newer than the kernels of PyTorch 2.6, "
            "which VERA uses",
            "run VERA with a newer PyTorch (server subprocess), or use another GPU",
        )
    found = f"{gpu.name}, {_gib(gpu.free_mib)} of {_gib(gpu.total_mib)} free, driver {gpu.driver}"
    needed_mib = _MEMORY_MIB.get(embodiment)
    if needed_mib and gpu.free_mib is not None and gpu.free_mib < needed_mib:
        return warning(
            NAME,
            f"{found}; {embodiment} takes about {_gib(needed_mib)}",
            "end other programs that use the GPU (nvidia-smi lists them), or use a larger one",
        )
    if driver < _CUDA_12_4_DRIVER:
        return warning(
            NAME, f"{found}: older than CUDA 12.4, which VERA's PyTorch uses", _UPDATE_DRIVER
        )
    return ok(NAME, found)


def visible(settings: "ServerSettings", environ: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return index or UUID of each GPU that is visible to the server, in order; None: all."""
    if settings.server_mode == "docker":
        return tuple(filter(None, (settings.gpu,)))
    text = environ.get("CUDA_VISIBLE_DEVICES")
    if text is None:
        return None
    names = (name.strip() for name in text.split(","))
    return tuple(takewhile(lambda name: name not in ("", "-1"), names))


def _find(gpus: Sequence[Gpu], name: str) -> Gpu | None:
    if name.startswith("MIG-"):  # a part of a GPU, which is not in the list
        if len(gpus) > 1:
            raise NotCheckedError(f"nvidia-smi's list does not show which GPU {name} is a part of")
        return gpus[0]
    found = (gpu for gpu in gpus if name == gpu.index or gpu.uuid.startswith(name))
    return next(found, None)


def _may_count_otherwise(wanted: Sequence[str] | None, environ: Mapping[str, str]) -> bool:
    """Return whether CUDA's order may differ: by default CUDA puts the fastest GPU first."""
    by_index = wanted is None or any(name.isdecimal() for name in wanted)
    return by_index and environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID"


def parse(text: str) -> list[Gpu]:
    """Parse what nvidia-smi prints for the query."""
    rows = csv.reader(text.splitlines(), skipinitialspace=True)
    return [_read(row) for row in rows if len(row) == len(_QUERY)]


def _read(row: list[str]) -> Gpu:
    index, uuid, name, total, free, driver, compute = row
    return Gpu(index, uuid, name, _number(total), _number(free), driver, _version(compute))


def _number(text: str) -> int | None:
    """Convert a number; None for the `[N/A]` of some GPUs and of MIG devices."""
    return int(text) if text.isdecimal() else None


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdecimal())


def _gib(mib: int | None) -> str:
    return "?" if mib is None else f"{mib / 1024:.0f} GiB"
