# SPDX-License-Identifier: Apache-2.0
"""Checks that camera pictures fit through Fast DDS, shared memory and the kernel's buffers."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vera_ros.bringup.middleware import PROFILE_VARIABLES
from vera_ros.doctor.facts.bytes import size
from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.facts.graph import GraphFacts, rate_hz
from vera_ros.doctor.finding import Finding, NotCheckedError, failure, not_needed, ok, warning
from vera_ros.embodiments import Embodiment, find_embodiment
from vera_ros.resources import share_path

_MIB = 2**20
_SEGMENT_BYTES = 512 * 2**10  # Fast DDS's shared-memory segment; larger messages get lost
_LARGE_SOCKET_BYTES = 4 * _MIB  # what config/fastdds_large_data.xml requests from the kernel
_LOOPBACK = "fastdds_loopback.xml"
_FREE_SHARED_MEMORY = 16 * _MIB  # room for some thirty processes of a graph
_FRAGMENTS_BYTES = 128 * _MIB
_TO_KEEP = "to make it permanent, write it into a file in /etc/sysctl.d"


@dataclass(frozen=True)
class Pictures:
    """Size and data rate of the cameras' pictures.

    Attributes:
        bytes_each: of one message, [B].
        bytes_per_s: of all views together, [B/s].
        camera: the assumed resolution; empty: size and rate were measured.
    """

    bytes_each: int
    bytes_per_s: float
    camera: str = ""

    def __str__(self) -> str:
        """Describe the pictures for a finding."""
        if self.camera:
            return f"pictures of {self.camera} ({size(self.bytes_each)})"
        return f"pictures of {size(self.bytes_each)}"

    @property
    def large(self) -> bool:
        """Whether a picture is too large for Fast DDS's defaults."""
        return self.bytes_each > _SEGMENT_BYTES


_USUAL = Pictures(3 * 480 * 640, 2 * 30.0 * 3 * 480 * 640, "640 x 480 px")


def check(context: Context) -> list[Finding]:
    """Check what carries pictures to policy_node: Fast DDS, shared memory, sockets, fragments."""
    rmw = os.environ.get("RMW_IMPLEMENTATION", "")
    pictures = _pictures(context)
    findings = [judge_sockets(_kernel("net/core/rmem_max"), pictures)]
    limit = _kernel("net/ipv4/ipfrag_high_thresh")
    findings.append(judge_fragments(limit, pictures, stays_here(os.environ)))
    if rmw and "fastrtps" not in rmw:
        return [not_needed("Fast DDS", f"the middleware is {rmw}"), *findings]
    memory = os.statvfs("/dev/shm") if Path("/dev/shm").is_dir() else None
    free = None if memory is None else memory.f_bavail * memory.f_frsize
    return [judge_profile(os.environ, pictures), judge_shared_memory(free), *findings]


def judge_profile(environ: Mapping[str, str], pictures: Pictures) -> Finding:
    """Check that Fast DDS is set up for pictures of this size."""
    name = "Fast DDS"
    for variable in PROFILE_VARIABLES:
        file = environ.get(variable, "")
        if file and not Path(file).is_file():
            return failure(
                name, f"{variable} names '{file}', which is not a file", f"unset {variable}"
            )
        if file:
            return ok(name, f"{file}, by {variable}")
    transports = environ.get("FASTDDS_BUILTIN_TRANSPORTS", "")
    if not transports and pictures.large:
        return warning(
            name,
            f"with the default transports, {pictures} get lost even within one machine",
            f"start with dds_profile:=large_data, and the camera drivers after {_large_data()}",
        )
    return ok(name, f"{transports or 'default transports'}, {pictures}")


def judge_shared_memory(free: int | None) -> Finding:
    """Check the shared memory of one machine's processes. `free`: in /dev/shm, [B]; None: none."""
    name = "shared memory"
    if free is None:
        return failure(name, "there is no /dev/shm", "mount a tmpfs there")
    if free < _FREE_SHARED_MEMORY:
        return warning(
            name,
            f"{size(free)} free in /dev/shm; {size(_FREE_SHARED_MEMORY)} are needed",
            "fastdds shm clean (removes what ended processes left); or sudo mount -o "
            "remount,size=1G /dev/shm (in Docker: --shm-size=1g or --ipc=host)",
        )
    return ok(name, f"{size(free)} free in /dev/shm")


def judge_sockets(limit: int | None, pictures: Pictures) -> Finding:
    """Check that a socket's buffer suffices. `limit`: net.core.rmem_max, [B]; None: unknown."""
    name = "socket buffers"
    needed = _LARGE_SOCKET_BYTES if pictures.large else 2 * pictures.bytes_each
    if limit is None:
        return not_needed(name, "this kernel has no net.core.rmem_max")
    if limit < needed:
        return warning(
            name,
            f"net.core.rmem_max is {size(limit)}; {pictures} need {size(needed)}",
            f"sudo sysctl -w net.core.rmem_max={2 * _LARGE_SOCKET_BYTES} ({_TO_KEEP})",
        )
    return ok(name, f"net.core.rmem_max is {size(limit)}")


def judge_fragments(limit: int | None, pictures: Pictures, local: bool) -> Finding:
    """Check that the kernel can reassemble a second of pictures that arrive over a network.

    Args:
        limit: net.ipv4.ipfrag_high_thresh, [B]; None: unknown.
        pictures: what the cameras send.
        local: whether all ROS traffic stays on this machine.
    """
    name = "IP fragments"
    if local:
        return not_needed(name, "nothing comes from other machines")
    if limit is None:
        return not_needed(name, "this kernel has no net.ipv4.ipfrag_high_thresh")
    if limit < pictures.bytes_per_s:
        return warning(
            name,
            f"net.ipv4.ipfrag_high_thresh is {size(limit)}, and a second of {pictures} takes "
            f"{size(pictures.bytes_per_s)}: where packets are lost, pictures get stuck",
            f"sudo sysctl -w net.ipv4.ipfrag_high_thresh={_FRAGMENTS_BYTES} "
            f"net.ipv4.ipfrag_time=3 ({_TO_KEEP})",
        )
    return ok(name, f"net.ipv4.ipfrag_high_thresh is {size(limit)}")


def _pictures(context: Context) -> Pictures:
    """Return what the cameras send or, where none was received, what they usually send."""
    try:
        measured = measure(context.graph)
    except NotCheckedError:
        measured = None
    if measured is None and context.options.robot == "sim":
        return simulated(find_embodiment(context.options.embodiment))
    return measured or _USUAL


def simulated(embodiment: Embodiment) -> Pictures:
    """Return what the simulated cameras of an embodiment send."""
    height, width = embodiment.resolution
    each = 3 * height * width
    total = len(embodiment.view_keys) * each / embodiment.control_dt_s
    return Pictures(each, total, f"{height} x {width} px")


def stays_here(environ: Mapping[str, str]) -> bool:
    """Return whether all ROS traffic stays on this machine."""
    return (
        environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE") == "LOCALHOST"
        or environ.get("ROS_LOCALHOST_ONLY") == "1"
        or any(Path(environ.get(name, "")).name == _LOOPBACK for name in PROFILE_VARIABLES)
    )


def measure(facts: GraphFacts) -> Pictures | None:
    """Return the measured size and rate of the pictures; None: none was received."""
    views = [view for view in facts.views.values() if view.size_bytes]
    if not views:
        return None
    return Pictures(
        max(view.size_bytes for view in views),
        sum(view.size_bytes * (rate_hz(view.samples, facts.clock) or 0.0) for view in views),
    )


def _large_data() -> str:
    """Return the command that sets up Fast DDS for large pictures."""
    path = share_path("config", "fastdds_large_data.xml")
    return "export " + " ".join(f"{name}={path}" for name in PROFILE_VARIABLES)


def _kernel(name: str) -> int | None:
    try:
        return int(Path("/proc/sys", name).read_text())
    except OSError:
        return None
