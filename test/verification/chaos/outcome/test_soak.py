# SPDX-License-Identifier: Apache-2.0
"""Processes are measured as they are, and growth is told from noise."""

import os
import socket
import threading
from dataclasses import replace

import pytest

from verification.chaos.outcome.soak import Soak, Usage, growth, sample

USAGE = Usage(0.0, 1, 100.0, 10, 20, 5)


def used(**changes: float) -> Usage:
    usage = sample(os.getpid(), 0.0)
    assert usage is not None
    return replace(usage, **changes)  # type: ignore[arg-type]


def test_this_process_is_measured() -> None:
    before = used()
    assert 1.0 < before.rss_mb < 10_000.0
    halt = threading.Event()
    thread = threading.Thread(target=halt.wait)
    thread.start()
    with socket.socket():
        during = used()
    halt.set()
    thread.join()
    assert during.threads == before.threads + 1
    assert (during.files, during.sockets) == (before.files + 1, before.sockets + 1)


def test_what_is_gone_has_no_usage() -> None:
    assert sample(2**22 + 1, 0.0) is None


def test_growth_is_told_without_the_warm_up() -> None:
    cold = [replace(USAGE, rss_mb=10.0)] * 3
    warm = [replace(USAGE, rss_mb=100.0 + minute, files=20 + minute) for minute in range(12)]
    grown = growth([*cold, *warm])
    assert grown.rss_percent == pytest.approx(8.0, abs=0.5)
    assert grown.files == 8
    assert grown.threads == 0
    assert grown.last == warm[-1]


def test_a_few_samples_say_nothing() -> None:
    assert growth([USAGE] * 3).rss_percent is None


@pytest.mark.parametrize("restarts", [1, 4])
def test_a_leak_is_found_through_restarts(restarts: int) -> None:
    """Once, samples of all lives were mixed, and a leak of 10 % a minute came out as none."""
    soak, lives = Soak(), restarts + 1
    soak.samples["ik_node"] = [
        replace(USAGE, pid=life, rss_mb=100.0 * 1.1 ** (sample / 6))
        for life in range(lives)
        for sample in range(12)
    ]
    assert len(soak.lives("ik_node")) == lives
    assert "ik_node: its memory grew by" in soak.complaints()[0]


def test_what_does_not_grow_is_not_complained_of() -> None:
    soak = Soak()
    soak.samples["ik_node"] = [replace(USAGE, sockets=5 + n % 2) for n in range(30)]
    assert soak.complaints() == []


@pytest.mark.parametrize("name", ["threads", "files", "sockets"])
def test_each_kind_of_leak_is_named(name: str) -> None:
    soak = Soak()
    soak.samples["sim_node"] = [replace(USAGE, **{name: 20 + n // 6}) for n in range(30)]
    (complaint,) = soak.complaints()
    assert complaint.startswith("sim_node: it has")
    assert name in complaint


def test_lives_that_are_too_short_are_not_taken_for_good() -> None:
    soak = Soak()
    soak.samples["ik_node"] = [replace(USAGE, pid=n) for n in range(30)]
    assert "not known" in soak.complaints()[0]


def test_samples_are_kept_by_name() -> None:
    soak = Soak()
    for at_s in (1.0, 2.0):
        soak.sample({"me": os.getpid(), "gone": 2**22 + 1}, at_s)
    assert [usage.at_s for usage in soak.samples["me"]] == [1.0, 2.0]
    assert "gone" not in soak.samples
    assert set(soak.numbers()) == {"me"}
