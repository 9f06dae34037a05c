# SPDX-License-Identifier: Apache-2.0
"""Trajectories are read in the arm's order of joints, and what cannot be read is blamed."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from verification.chaos.monitor.arm_verifier import Judgement
from verification.chaos.monitor.finger_verifier import FingerTrajectory
from verification.chaos.monitor.recording import Published
from verification.chaos.monitor.trajectory_message import read_finger_trajectory, read_trajectory
from verification.chaos.proxies.note import read_note, write_note

JOINTS = ("a", "b")


def stamp(ns: int) -> Any:
    return SimpleNamespace(sec=ns // 10**9, nanosec=ns % 10**9)


def message(
    names: Any = ("b", "a"), stamp_ns: int = 5 * 10**9, note: str = "", **changes: Any
) -> Any:
    point: dict[str, Any] = {
        "positions": [2.0, 1.0],
        "velocities": [0.2, 0.1],
        "accelerations": [20.0, 10.0],
        "time_from_start": stamp(250_000_000),
        **changes,
    }
    return SimpleNamespace(
        header=SimpleNamespace(stamp=stamp(stamp_ns), frame_id=note),
        joint_names=list(names),
        points=[SimpleNamespace(**point)],
    )


def read(said: Any) -> Published | Judgement:
    return read_trajectory(said, JOINTS, 7, 1.5, epoch_ns=4 * 10**9)


def test_joints_are_put_in_order() -> None:
    published = read(message())
    assert isinstance(published, Published)
    assert (published.number, published.begins_s, published.published_s) == (7, 1.0, 1.5)
    np.testing.assert_array_equal(published.times_s, [0.25])
    np.testing.assert_array_equal(published.q, [[1.0, 2.0]])
    np.testing.assert_array_equal(published.dq, [[0.1, 0.2]])
    np.testing.assert_array_equal(published.ddq, [[10.0, 20.0]])


def test_the_relay_knows_when_it_was_published_and_what_the_clocks_are_worth() -> None:
    published = read(message(note=write_note(5_400_000_000, 0.03)))
    assert isinstance(published, Published)
    assert published.published_s == pytest.approx(1.4)
    assert (published.arrived_s, published.uncertainty_s) == (1.5, 0.03)


@pytest.mark.parametrize("words", ["", "panda_link0", "{}", "[]", '{"published_ns": "now"}'])
def test_what_is_no_note_says_nothing(words: str) -> None:
    assert read_note(words) is None
    published = read(message(note=words))
    assert isinstance(published, Published)
    assert (published.published_s, published.uncertainty_s) == (1.5, 0.0)


def test_without_a_stamp_it_begins_when_it_is_published() -> None:
    assert read(message(stamp_ns=0)).begins_s == 1.5


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (message(names=("a", "c")), "['a', 'c']"),
        (message(names=("a", "a")), "['a', 'a']"),
        (message(names=("a",)), "['a']"),
        (message(positions=[1.0]), "point 0 has 1 positions"),
        (message(velocities=[]), "point 0 has 0 velocities"),
        (message(accelerations=[]), "point 0 has 0 accelerations"),
    ],
)
def test_what_cannot_be_read_is_blamed(said: Any, words: str) -> None:
    judgement = read(said)
    assert isinstance(judgement, Judgement)
    assert (judgement.number, judgement.arrived_s) == (7, 1.5)
    assert words in judgement.violations[0]


def test_the_finger_is_read() -> None:
    read = read_finger_trajectory(message(names=("f",), positions=[0.02]), "f", 7, 1.5, 4 * 10**9)
    assert isinstance(read, FingerTrajectory)
    assert (read.number, read.begins_s, read.published_s) == (7, 1.0, 1.5)
    assert (read.times_s.tolist(), read.positions_m.tolist()) == ([0.25], [0.02])


@pytest.mark.parametrize(
    ("said", "words"),
    [(message(), "it is for the joints"), (message(names=("f",)), "point 0 has 2 positions")],
)
def test_a_finger_that_cannot_be_read_is_blamed(said: Any, words: str) -> None:
    judgement = read_finger_trajectory(said, "f", 7, 1.5, 4 * 10**9)
    assert isinstance(judgement, Judgement)
    assert judgement.of == "fingers"
    assert words in judgement.violations[0]
