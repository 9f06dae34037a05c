# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from vera_ros.bringup.middleware import on_loopback
from vera_ros.doctor.checks.transport import (
    Pictures,
    judge_fragments,
    judge_profile,
    judge_shared_memory,
    judge_sockets,
    measure,
    simulated,
    stays_here,
)
from vera_ros.doctor.finding import Verdict
from vera_ros.embodiments import find_embodiment

from ..example_facts import graph, view

SIMULATED = Pictures(49_152, 2_000_000.0)
VGA = Pictures(921_600, 55_000_000.0)
LARGE_DATA = {"FASTDDS_BUILTIN_TRANSPORTS": "LARGE_DATA?max_msg_size=2MB"}


def test_simulated_pictures_are_those_of_the_embodiment() -> None:
    mimicgen, droid = (simulated(find_embodiment(name)) for name in ("mimicgen", "droid"))
    assert mimicgen.bytes_each == SIMULATED.bytes_each
    assert mimicgen.bytes_per_s == pytest.approx(SIMULATED.bytes_per_s, rel=0.02)
    assert (droid.bytes_each, droid.camera) == (3 * 128 * 192, "128 x 192 px")
    assert droid.bytes_per_s == pytest.approx(3 * droid.bytes_each * 15)


@pytest.mark.parametrize(
    ("environ", "pictures", "expected"),
    [
        ({}, SIMULATED, Verdict.OK),
        ({}, VGA, Verdict.WARNING),
        (LARGE_DATA, VGA, Verdict.OK),
    ],
)
def test_the_default_transports_are_for_small_pictures(
    environ: dict[str, str], pictures: Pictures, expected: Verdict
) -> None:
    finding = judge_profile(environ, pictures)
    assert finding.verdict is expected
    assert ("fastdds_large_data.xml" in finding.mend) is (expected is Verdict.WARNING)


@pytest.mark.parametrize(
    "variable", ["FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"]
)
def test_a_profile_file_must_be_there(tmp_path: Path, variable: str) -> None:
    file = tmp_path / "profile.xml"
    assert judge_profile({variable: str(file)}, SIMULATED).verdict is Verdict.FAILURE
    file.touch()
    assert judge_profile({variable: str(file)}, VGA).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("free", "expected"),
    [(None, Verdict.FAILURE), (2_000_000, Verdict.WARNING), (60_000_000, Verdict.OK)],
)
def test_shared_memory_has_room_for_a_graph(free: int | None, expected: Verdict) -> None:
    assert judge_shared_memory(free).verdict is expected


@pytest.mark.parametrize(
    ("limit", "pictures", "expected"),
    [
        (212_992, SIMULATED, Verdict.OK),
        (212_992, VGA, Verdict.WARNING),
        (4_194_304, VGA, Verdict.OK),
        (None, VGA, Verdict.SKIPPED),
    ],
)
def test_socket_buffers_are_for_pictures(
    limit: int | None, pictures: Pictures, expected: Verdict
) -> None:
    finding = judge_sockets(limit, pictures)
    assert finding.verdict is expected
    assert ("sysctl -w net.core.rmem_max=" in finding.mend) is (expected is Verdict.WARNING)


@pytest.mark.parametrize(
    ("limit", "pictures", "local", "expected"),
    [
        (4_194_304, SIMULATED, False, Verdict.OK),
        (4_194_304, VGA, False, Verdict.WARNING),
        (134_217_728, VGA, False, Verdict.OK),
        (4_194_304, VGA, True, Verdict.SKIPPED),
        (None, VGA, False, Verdict.SKIPPED),
    ],
)
def test_fragments_matter_over_a_network(
    limit: int | None, pictures: Pictures, local: bool, expected: Verdict
) -> None:
    assert judge_fragments(limit, pictures, local).verdict is expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}, False),
        ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}, True),
        ({"ROS_LOCALHOST_ONLY": "1"}, True),
        (on_loopback({}), True),
    ],
)
def test_a_graph_that_stays_here_is_known(environ: dict[str, str], expected: bool) -> None:
    assert stays_here(environ) is expected


def test_pictures_are_measured_where_they_come() -> None:
    views = {"a": view("a", size_bytes=100), "b": view("b", size_bytes=300)}
    pictures = measure(graph(views=views))
    assert pictures is not None
    assert pictures.bytes_each == 300
    assert pictures.bytes_per_s == pytest.approx(400 * 20.0)
    assert measure(graph(views={"a": view("a", samples=(), size_bytes=0)})) is None
