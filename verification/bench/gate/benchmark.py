# SPDX-License-Identifier: Apache-2.0
"""`scripts/bench gate`: fuzzes planner and gate with valid and invalid chunks."""

import multiprocessing
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError
from verification.bench.gate.player import Outcome, Player
from verification.bench.gate.rounds import KINDS, Chunk, Round, draw
from verification.bench.gate.subjects import PANDA, Subject, subject_of
from verification.bench.gate.tables import outcome_table
from verification.bench.tables import make_console
from verification.rig import make_rig
from verification.robots import ROBOTS, make_joint_rig

_BLOCK = 250  # chunks drawn from one seed: the results do not depend on the number of processes
_RARE = {"too long": 0.2}  # weight of a kind; long trajectories are slow to check
_REPORTS = 10

Outcomes = dict[str, Outcome]


def run(chunks: int, seed: int, processes: int, arm: str = "") -> tuple[dict[str, object], bool]:
    """Send the chunks; return the results, and whether there was no violation and no error.

    `arm`: a key of ROBOTS, whose joints the chunks move; empty: pose deltas of the Panda.

    Raises:
        ConfigurationError: the seed is negative.
    """
    if seed < 0:
        raise ConfigurationError(f"--seed is {seed}; valid is 0 or more")
    console = make_console()
    begin = time.perf_counter()
    jobs = [(seed, n, min(_BLOCK, chunks - n)) for n in range(0, chunks, _BLOCK)]
    whole: Outcomes = {kind: Outcome() for kind in KINDS}
    done, reports = 0, 0
    with multiprocessing.get_context("spawn").Pool(
        min(processes, len(jobs)), _set_up, (arm,)
    ) as pool:
        for outcomes in pool.imap_unordered(_play_block, jobs):
            for kind, outcome in outcomes.items():
                whole[kind].add(outcome)
                done += outcome.chunks
            if done * _REPORTS // chunks > reports:
                reports = done * _REPORTS // chunks
                console.print(f"{done} chunks, {time.perf_counter() - begin:.0f} s")
    total = Outcome()
    for outcome in whole.values():
        total.add(outcome)
    console.print(outcome_table({**whole, "all": total}))
    for kind, outcome in whole.items():
        for example in outcome.examples:
            console.print(f"{kind}: {example}", markup=False)
    duration_s = time.perf_counter() - begin
    of = f" of the joints of {arm}" if arm else ""
    console.print(f"{total.chunks} chunks{of} in {duration_s:.0f} s, seed {seed}")
    numbers = {
        "chunks": total.chunks,
        "seed": seed,
        "arm": arm,
        "duration_s": duration_s,
        "all": total.numbers(),
        "kinds": {kind: outcome.numbers() for kind, outcome in whole.items()},
    }
    return numbers, total.violations == total.unexpected == 0


def rounds(seed: int, block: int, chunks: int, of: Subject = PANDA) -> Iterator[Round]:
    """Yield the rounds of a block, which send exactly `chunks` chunks in total."""
    rng = np.random.default_rng([seed, block])
    weights = np.array([_RARE.get(kind, 1.0) for kind in KINDS])
    left = chunks
    while left > 0:
        round_ = draw(str(rng.choice(list(KINDS), p=weights / weights.sum())), rng, of)
        events = []
        for event in round_.events:
            left -= isinstance(event, Chunk)
            if left < 0:
                break
            events.append(event)
        yield replace(round_, events=tuple(events))


_players: list[Player] = []  # the players of this worker process
_subjects: list[Subject] = []  # the arm that they play for


def players(arm: str = "") -> list[Player]:
    """Return three players: default, slowed, and with a metric embodiment's response and rails.

    Of an arm whose joints are moved, two: with joint deltas, and with the reference rule of a hand.
    """
    if arm:
        robot = ROBOTS[arm]
        return [Player(make_joint_rig(robot, kept=kept), robot) for kept in (1.0, 0.8)]
    return [
        Player(make_rig()),
        Player(make_rig(speed_scale=0.4)),
        Player(make_rig("direct.yaml", rails=find_embodiment("droid").rails)),
    ]


def _set_up(arm: str) -> None:
    warnings.simplefilter("ignore")  # of overflows: non-finite values are refused anyway
    _players.extend(players(arm))
    _subjects.append(subject_of(ROBOTS[arm]) if arm else PANDA)


def _play_block(job: tuple[int, int, int]) -> Outcomes:
    outcomes: Outcomes = {}
    for number, round_ in enumerate(rounds(*job, _subjects[-1])):
        player = _players[number % len(_players)]
        outcomes.setdefault(round_.kind, Outcome()).add(player.play(round_))
    return outcomes
