# SPDX-License-Identifier: Apache-2.0
"""Inject a fault, and wait until it is over."""

import json
import time
from collections.abc import Callable

from vera_ros.bringup.failures import DemoError
from verification.chaos.faults.answers import CORRUPTED_CONFIGS
from verification.chaos.faults.fault import Fault
from verification.chaos.faults.kind import JOINTS, LINKS, PROCESS, SERVICE, VIEWS, WIRE
from verification.chaos.faults.kinds import KINDS
from verification.chaos.system.arena import Arena

_STRIKE_S = 20.0  # for the next answer or connection, with which a fault takes effect
_ANSWER_S = 10.0
_CHUNK_S = 5.0  # for a chunk to meet the fault of a link, beyond its duration
_STOPS = 2  # services called during a fault
_NEEDED = {"hold": ("hold", "release"), "pause": ("pause", "resume"), "stop": ("stop",)}

Keep = Callable[[Callable[[], bool], float], None]


class Injector:
    """Injects faults into the running system.

    Args:
        arena: the running system.
        keep_going: keeps episodes running until a condition holds, with a time-out [s].
    """

    def __init__(self, arena: Arena, keep_going: Keep) -> None:
        self._arena = arena
        self._keep_going = keep_going
        self._layers: dict[str, Callable[[Fault], float | None]] = {
            WIRE: self._inject_on_wire,
            VIEWS: self._inject_in_stream,
            JOINTS: self._inject_in_stream,
            LINKS: self._inject_in_link,
            PROCESS: self._kill_or_freeze,
            SERVICE: self._call_service,
        }

    def can_do(self, kind: str) -> bool:
        """Whether the system offers the services that a fault of this kind needs."""
        return all(self._arena.operator.controls.has(name) for name in _NEEDED.get(kind, ()))

    def strike(self, fault: Fault) -> float | None:
        """Inject a fault and wait until it is over; return when it took effect, steady time [s].

        Returns None if it took no effect.

        Raises:
            DemoError: the system does not respond, or a process has died.
        """
        return self._layers[KINDS[fault.kind].layer](fault)

    def _inject_on_wire(self, fault: Fault) -> float | None:
        injected_s = time.monotonic()
        strike = self._arena.proxy.inject(fault)
        try:
            self._keep_going(lambda: strike.over, _STRIKE_S)
            if fault.kind == "other_robot":  # policy_node must notice it first
                self._wait_for_end_of_episode()
        finally:
            self._arena.proxy.heal()
        return injected_s if fault.kind in CORRUPTED_CONFIGS else strike.struck_s

    def _wait_for_end_of_episode(self) -> None:
        operator = self._arena.operator
        self._arena.waiter.until(
            lambda: "the episode to end" if operator.episode_runs else "", _ANSWER_S
        )

    def _inject_in_stream(self, fault: Fault) -> float:
        arena = self._arena
        text = json.dumps({"kind": fault.kind, "values": dict(fault.values)})
        struck_s = time.monotonic()
        arena.operator.controls.set_relay_fault(text, arena.waiter)
        if fault.values.get("then") == "stop":
            for _ in range(_STOPS):
                self._wait(fault.duration_s / (_STOPS + 1))
                arena.operator.controls.call("stop", arena.waiter)
        self._wait(struck_s + fault.duration_s - time.monotonic())
        return struck_s

    def _inject_in_link(self, fault: Fault) -> float:
        """Inject the fault until a chunk has met it, or `_CHUNK_S` beyond its duration."""
        arena, recorder = self._arena, self._arena.operator.recorder
        struck_s = time.monotonic()

        def met() -> bool:
            lasted_s = time.monotonic() - struck_s
            if recorder.chunks.answered_s > struck_s and lasted_s >= fault.duration_s:
                return True
            return lasted_s >= fault.duration_s + _CHUNK_S

        text = json.dumps({"kind": fault.kind, "values": dict(fault.values)})
        arena.operator.controls.set_relay_fault(text, arena.waiter)
        try:
            self._keep_going(met, fault.duration_s + _CHUNK_S + _ANSWER_S)
        finally:
            arena.operator.controls.set_relay_fault("", arena.waiter)
        return struck_s

    def _kill_or_freeze(self, fault: Fault) -> float:
        action, name = fault.kind.split("_", 1)
        struck_s = time.monotonic()
        if action == "kill":
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
        arena.operator.lifecycle.forget_states()

    def _call_service(self, fault: Fault) -> float:
        operator, waiter = self._arena.operator, self._arena.waiter
        struck_s = time.monotonic()
        if fault.kind == "cancel":
            operator.goal.cancel(waiter)
        elif fault.kind == "stop":
            operator.controls.call("stop", waiter)
        elif fault.kind in _NEEDED:
            begin, end = _NEEDED[fault.kind]
            operator.controls.call(begin, waiter)
            self._wait(fault.duration_s)
            operator.controls.call(end, waiter)
        else:
            self._deactivate(fault.kind.removeprefix("deactivate_"))
        return struck_s

    def _deactivate(self, name: str) -> None:
        lifecycle, waiter = self._arena.operator.lifecycle, self._arena.waiter
        for change in (lifecycle.deactivate, lifecycle.activate):
            answer = waiter.result(change(name), f"{name} to change its state", _ANSWER_S)
            if not answer.success:
                raise DemoError(f"{name} refuses to change its lifecycle state; its log says why")
        lifecycle.forget_states()

    def _wait(self, duration_s: float) -> None:
        until_s = time.monotonic() + duration_s
        self._arena.waiter.until(
            lambda: "" if time.monotonic() >= until_s else "the end of the fault",
            duration_s + _ANSWER_S,
        )
