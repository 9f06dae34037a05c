# SPDX-License-Identifier: Apache-2.0
"""Set-up, restart and tear-down of the system under test, the relay, the proxy and the monitor."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from vera_ros.bringup.graph import NodeSpec, command
from vera_ros.bringup.interrupts import Interrupts
from vera_ros.bringup.isolation import free_port, own_domain
from vera_ros.bringup.middleware import on_loopback
from vera_ros.bringup.waiter import Waiter
from vera_ros.nodes.ik.kept_hold import HOLDS
from verification.chaos.proxies.proxy import FaultProxy
from verification.chaos.system.operator import Operator
from verification.chaos.system.processes import Processes
from verification.chaos.wiring import images, specs

FINDINGS = "findings.jsonl"
_READY_S = 90.0


_MONITOR = "verification.chaos.monitor.monitor_node"
_RELAY = "verification.chaos.proxies.relay"


@dataclass
class Arena:
    """The running system with everything around it.

    Attributes:
        folder: of logs and findings.
        graph: the nodes of the system.
        processes: of the system, the monitor and the relay.
        proxy: between policy_node and the policy server.
        operator: node that sends goals and calls services.
        waiter: spins the operator until a condition holds.
        views: names of the robot's views.
    """

    folder: Path
    graph: tuple[NodeSpec, ...]
    processes: Processes
    proxy: FaultProxy
    operator: Operator
    waiter: Waiter
    views: tuple[str, ...]

    @property
    def nodes(self) -> list[str]:
        """Names of the system's nodes."""
        return [spec.name for spec in self.graph]

    def start(self) -> None:
        """Start the system and wait until it is ready.

        Raises:
            DemoError: a process cannot be started or does not become ready.
        """
        for spec in self.graph:
            self.processes.start(spec.name, command(spec, "", self.folder))
        self.operator.lifecycle.forget_states()
        self.operator.forget_episode()
        self.waiter.until(self.operator.missing, _READY_S)

    def rebuild(self) -> None:
        """Restart all nodes of the system, without faults and without a hold.

        Raises:
            DemoError: a process cannot be started or does not become ready.
        """
        self.processes.stop(self.nodes)
        shutil.rmtree(self.folder / HOLDS, ignore_errors=True)
        self.proxy.heal()
        self.operator.controls.set_relay_fault("", self.waiter)
        self.start()

    def findings(self) -> Path:
        """Stop the monitor and return the file of its findings."""
        self.processes.stop(["monitor"])
        return self.folder / FINDINGS


@contextmanager
def set_up(
    folder: Path,
    seed: int,
    embodiment: str,
    arm: str,
    interrupts: Interrupts,
    *,
    asynchronous: bool,
) -> Iterator[Arena]:
    """Start everything and wait until it is ready; stop everything at the end.

    Args:
        folder: for logs and findings.
        seed: of the first scene and of the proxy's random numbers.
        embodiment: which robot kind.
        arm: which arm, a name in config/arms; empty: the embodiment's own robot.
        interrupts: signals that end the waiting.
        asynchronous: the mode of the goals.

    Raises:
        DemoError: a process cannot be started or does not become ready.
    """
    with ExitStack() as stack:
        domain = stack.enter_context(own_domain())
        os.environ["ROS_DOMAIN_ID"] = str(domain)
        os.environ.update(on_loopback(os.environ))
        os.environ["ROS_HOME"] = str(folder)  # a hold outlasts ik_node, but not this run
        os.environ["ROS_LOG_DIR"] = str(folder / "ros")
        processes = Processes(folder, os.environ)
        stack.callback(processes.stop)
        server_url = f"ws://127.0.0.1:{free_port()}"
        proxy = FaultProxy(server_url, seed=seed)
        stack.callback(proxy.stop)
        graph = specs(server_url, proxy.url, seed, embodiment, arm)
        rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
        stack.callback(rclpy.try_shutdown)
        names = [spec.name for spec in graph]
        operator = Operator(names, embodiment, asynchronous=asynchronous, seed=seed)
        stack.callback(operator.destroy_node)
        executor = SingleThreadedExecutor()
        executor.add_node(operator)
        waiter = Waiter(executor, (processes.check, interrupts.check))
        findings = str(folder / FINDINGS)
        processes.start("monitor", [sys.executable, "-m", _MONITOR, findings, embodiment, arm])
        processes.start("relay", [sys.executable, "-m", _RELAY, embodiment])
        arena = Arena(folder, graph, processes, proxy, operator, waiter, tuple(images(embodiment)))
        arena.start()
        waiter.until(lambda: "" if operator.controls.relay_is_ready else "the relay", _READY_S)
        yield arena
