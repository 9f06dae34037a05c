# SPDX-License-Identifier: Apache-2.0
"""`scripts/bench gate`: a storm of chunks against planner and gate."""

import multiprocessing
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError
from verification.bench.gate.player import Outcome, Player
from verification.bench.gate.storm import KINDS, Chunk, Round, draw
from verification.bench.gate.tables import storm_table
from verification.bench.tables import make_console
from verification.rig import make_rig

_BLOCK = 250  # chunks that are drawn from one seed, so that the number of processes changes nothing
_RARE = {"too long": 0.2}  # long trajectories take long to check
_REPORTS = 10

Outcomes = dict[str, Outcome]


def run(chunks: int, seed: int, processes: int) -> tuple[dict[str, object], bool]:
    """Send the chunks; return the numbers and whether all went as it must.

    Raises:
        ConfigurationError: the seed is no seed.
    """
    if seed < 0:
        raise ConfigurationError(f"--seed is {seed}; valid is 0 or more")
    console = make_console()
    begin = time.perf_counter()
    jobs = [(seed, n, min(_BLOCK, chunks - n)) for n in range(0, chunks, _BLOCK)]
    whole: Outcomes = {kind: Outcome() for kind in KINDS}
    done, told = 0, 0
    with multiprocessing.get_context("spawn").Pool(min(processes, len(jobs)), _set_up) as pool:
        for outcomes in pool.imap_unordered(_play_block, jobs):
            for kind, outcome in outcomes.items():
                whole[kind].add(outcome)
                done += outcome.chunks
            if done * _REPORTS // chunks > told:
                told = done * _REPORTS // chunks
                console.print(f"{done} chunks, {time.perf_counter() - begin:.0f} s")
    total = Outcome()
    for outcome in whole.values():
        total.add(outcome)
    console.print(storm_table({**whole, "all": total}))
    for kind, outcome in whole.items():
        for example in outcome.examples:
            console.print(f"{kind}: {example}", markup=False)
    duration_s = time.perf_counter() - begin
    console.print(f"{total.chunks} chunks in {duration_s:.0f} s, seed {seed}")
    numbers = {
        "chunks": total.chunks,
        "seed": seed,
        "duration_s": duration_s,
        "all": total.numbers(),
        "kinds": {kind: outcome.numbers() for kind, outcome in whole.items()},
    }
    return numbers, total.violations == total.unexpected == 0


def rounds(seed: int, block: int, chunks: int) -> Iterator[Round]:
    """The rounds of a block, which send exactly so many chunks."""
    rng = np.random.default_rng([seed, block])
    weights = np.array([_RARE.get(kind, 1.0) for kind in KINDS])
    left = chunks
    while left > 0:
        round_ = draw(str(rng.choice(list(KINDS), p=weights / weights.sum())), rng)
        events = []
        for event in round_.events:
            left -= isinstance(event, Chunk)
            if left < 0:
                break
            events.append(event)
        yield replace(round_, events=tuple(events))


_players: list[Player] = []  # of this process


def players() -> list[Player]:
    """Arms of every sort: as it comes, slowed, with a metric embodiment's response and rails."""
    return [
        Player(make_rig()),
        Player(make_rig(speed_scale=0.4)),
        Player(make_rig("direct.yaml", rails=find_embodiment("droid").rails)),
    ]


def _set_up() -> None:
    warnings.simplefilter("ignore")  # of overflows: what is not finite is refused
    _players.extend(players())


def _play_block(job: tuple[int, int, int]) -> Outcomes:
    outcomes: Outcomes = {}
    for number, round_ in enumerate(rounds(*job)):
        player = _players[number % len(_players)]
        outcomes.setdefault(round_.kind, Outcome()).add(player.play(round_))
    return outcomes
