# SPDX-License-Identifier: Apache-2.0
"""Lets a fault loose, and waits until nothing is disturbed any more."""

import json
import time
from collections.abc import Callable

from vera_ros.bringup.failures import DemoError
from verification.chaos.faults.answers import SPOILT_CONFIGS
from verification.chaos.faults.fault import Fault
from verification.chaos.faults.kind import JOINTS, LINKS, PROCESS, SERVICE, VIEWS, WIRE
from verification.chaos.faults.kinds import KINDS
from verification.chaos.system.arena import Arena

_STRIKE_S = 20.0  # for what strikes with the next answer or connection
_ANSWER_S = 10.0
_MET_S = 5.0  # for a chunk to come, after a link has been bad for as long as it should
_STOPS = 2
_NEEDED = {"hold": ("hold", "release"), "pause": ("pause", "resume"), "stop": ("stop",)}

Keep = Callable[[Callable[[], bool], float], None]


class Injector:
    """Breaks things.

    Args:
        arena: what there is to break.
        keep_going: keeps episodes going until something is true, for so long at most [s].
    """

    def __init__(self, arena: Arena, keep_going: Keep) -> None:
        self._arena = arena
        self._keep_going = keep_going
        self._layers: dict[str, Callable[[Fault], float | None]] = {
            WIRE: self._on_the_wire,
            VIEWS: self._through_the_relay,
            JOINTS: self._through_the_relay,
            LINKS: self._between_the_machines,
            PROCESS: self._of_a_process,
            SERVICE: self._by_a_service,
        }

    def can_do(self, kind: str) -> bool:
        """Whether the system has what such a fault needs."""
        return all(self._arena.operator.controls.has(button) for button in _NEEDED.get(kind, ()))

    def strike(self, fault: Fault) -> float | None:
        """Let a fault loose; return when it took effect, when it is over; None: it never did.

        Raises:
            DemoError: something else is broken.
        """
        return self._layers[KINDS[fault.kind].layer](fault)

    def _on_the_wire(self, fault: Fault) -> float | None:
        injected_s = time.monotonic()
        strike = self._arena.proxy.inject(fault)
        try:
            self._keep_going(lambda: strike.over, _STRIKE_S)
            if fault.kind == "other_robot":  # which it must have seen before it is mended
                self._wait_for_end_of_episode()
        finally:
            self._arena.proxy.heal()
        return injected_s if fault.kind in SPOILT_CONFIGS else strike.struck_s

    def _wait_for_end_of_episode(self) -> None:
        operator = self._arena.operator
        self._arena.waiter.until(
            lambda: "the episode to end" if operator.episode_runs else "", _ANSWER_S
        )

    def _through_the_relay(self, fault: Fault) -> float:
        arena = self._arena
        spoil = json.dumps({"kind": fault.kind, "values": dict(fault.values)})
        struck_s = time.monotonic()
        arena.operator.controls.tell_relay(spoil, arena.waiter)
        if fault.values.get("then") == "stop":
            for _ in range(_STOPS):
                self._wait(fault.duration_s / (_STOPS + 1))
                arena.operator.controls.press("stop", arena.waiter)
        self._wait(struck_s + fault.duration_s - time.monotonic())
        return struck_s

    def _between_the_machines(self, fault: Fault) -> float:
        """Until a chunk has met it, or none comes."""
        arena, recorder = self._arena, self._arena.operator.recorder
        struck_s = time.monotonic()

        def met() -> bool:
            lasted_s = time.monotonic() - struck_s
            if recorder.chunks.answered_s > struck_s and lasted_s >= fault.duration_s:
                return True
            return lasted_s >= fault.duration_s + _MET_S

        spoil = json.dumps({"kind": fault.kind, "values": dict(fault.values)})
        arena.operator.controls.tell_relay(spoil, arena.waiter)
        try:
            self._keep_going(met, fault.duration_s + _MET_S + _ANSWER_S)
        finally:
            arena.operator.controls.tell_relay("", arena.waiter)
        return struck_s

    def _of_a_process(self, fault: Fault) -> float:
        what, name = fault.kind.split("_", 1)
        struck_s = time.monotonic()
        if what == "kill":
            self._kill(name)
        else:
            self._arena.processes.freeze(name)
            try:
                self._wait(fault.duration_s)
            finally:
                self._arena.processes.thaw(name)
        return struck_s

    def _kill(self, name: str) -> None:
        arena = self._arena
        arena.processes.kill(name)
        if name == "policy_node":
            arena.operator.forget_episode()
        arena.processes.start_again(name)
        arena.operator.lifecycle.begin_anew()

    def _by_a_service(self, fault: Fault) -> float:
        operator, waiter = self._arena.operator, self._arena.waiter
        struck_s = time.monotonic()
        if fault.kind == "cancel":
            operator.goal.cancel(waiter)
        elif fault.kind == "stop":
            operator.controls.press("stop", waiter)
        elif fault.kind in _NEEDED:
            press, lift = _NEEDED[fault.kind]
            operator.controls.press(press, waiter)
            self._wait(fault.duration_s)
            operator.controls.press(lift, waiter)
        else:
            self._deactivate(fault.kind.removeprefix("deactivate_"))
        return struck_s

    def _deactivate(self, name: str) -> None:
        lifecycle, waiter = self._arena.operator.lifecycle, self._arena.waiter
        for change in (lifecycle.deactivate, lifecycle.activate):
            answer = waiter.result(change(name), f"{name} to change its state", _ANSWER_S)
            if not answer.success:
                raise DemoError(f"{name} does not change its state")
        lifecycle.begin_anew()

    def _wait(self, duration_s: float) -> None:
        until_s = time.monotonic() + duration_s
        self._arena.waiter.until(
            lambda: "" if time.monotonic() >= until_s else "the fault to be over",
            duration_s + _ANSWER_S,
        )
