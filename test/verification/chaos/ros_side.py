# SPDX-License-Identifier: Apache-2.0
"""One who plays the rest of the system for a process under test."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor

PATIENCE_S = 60.0


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Python program, ended by SIGTERM, whose exit code must then be 0."""
    process = subprocess.Popen([sys.executable, *arguments], env=os.environ.copy())
    try:
        yield process
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.wait()


class RosSide:
    """A node of the test, and waiting for things to happen to it."""

    def __init__(self, name: str) -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self.node = rclpy.create_node(name, context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)

    def __enter__(self) -> "RosSide":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def listen(self, kind: Any, topic: str, qos: Any = 1000) -> list[Any]:
        """What comes on a topic from now on."""
        heard: list[Any] = []
        self.node.create_subscription(kind, topic, heard.append, qos)
        return heard

    def wait_until(self, condition: Callable[[], object], what: str) -> None:
        """Take part until the condition holds; fail after a long while."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline_s, f"waited {PATIENCE_S:g} s for {what}"
            self._executor.spin_once(timeout_sec=0.05)

    def call(self, kind: Any, name: str, request: Any) -> Any:
        """Call a service; return its answer."""
        client = self.node.create_client(kind, name)
        self.wait_until(client.service_is_ready, f"the service {name}")
        future = client.call_async(request)
        self.wait_until(future.done, f"{name} to answer")
        return future.result()
