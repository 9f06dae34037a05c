# SPDX-License-Identifier: Apache-2.0
"""A websocket server for any policy object, as the VERA server would host it."""

import asyncio
import contextlib
import logging
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import partial
from typing import TypeVar

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from vera_ros.errors import ConfigurationError, ProtocolError
from vera_ros.printable import printable_lines
from vera_ros.server.guests import Guest, Guests
from vera_ros.server.service import PolicyService, reason_for_client
from vera_ros.wire.connection.failures import REQUEST_FAILED
from vera_ros.wire.connection.loop_thread import LoopThread
from vera_ros.wire.connection.websocket import BOUNDS, receive
from vera_ros.wire.hosted_policy import HostedPolicy
from vera_ros.wire.protocol.codec import MAX_FRAME_BYTES

__all__ = ["HostedPolicy", "PolicyHost"]

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

_START_TIMEOUT_S = 10.0
_CLOSE_TIMEOUT_S = 1.0
_PING_INTERVAL_S = 60.0
_PING_TIMEOUT_S = 600.0
_MOST_CLIENTS = 8
_LOGGED_LINES = 50  # of a traceback


class PolicyHost:
    """Serves one policy on ws://host:port to all clients that connect.

    All connections share the policy and its episode; requests are answered one at a time, in the
    order in which they arrive. The sockets run in one thread and the policy in another, so that a
    slow policy does not keep the host from answering pings or from stopping. Pages of browsers,
    which name their Origin, are not let in, nor more than eight clients at a time.

    Args:
        policy: the policy that is served.
        host: address to listen on.
        port: port to listen on; 0: any free one.
        delay_s: added to the time of every inference, [s].
    """

    def __init__(self, policy: HostedPolicy, host: str, port: int, *, delay_s: float = 0.0) -> None:
        self._address = (host, port)
        self._stopping = threading.Event()
        self._service = PolicyService(policy, think=lambda: self._pause(delay_s))
        self._worker = ThreadPoolExecutor(1, "policy")
        self._server: Server | None = None
        self._thread: LoopThread | None = None

    def start(self) -> int:
        """Start listening; return the port.

        Raises:
            ConfigurationError: the address cannot be listened on.
        """
        self._thread = LoopThread("policy_host", farewell=self._close)
        try:
            return self._thread.submit(self._listen).result(_START_TIMEOUT_S)
        except (OSError, FutureTimeoutError) as error:
            self.stop()
            host, port = self._address
            raise ConfigurationError(
                f"a policy server cannot listen on ws://{host}:{port} ({error}); "
                "choose another address, or stop what uses this one"
            ) from error

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Close all connections and stop listening; return whether that met the time-out.

        A policy that is in the middle of an inference finishes it, and its answer is dropped.
        """
        self._stopping.set()
        self._worker.shutdown(wait=False, cancel_futures=True)
        return self._thread is None or self._thread.stop(timeout_s)

    async def _listen(self) -> int:
        self._server = await serve(
            self._converse,
            *self._address,
            create_connection=Guests(_MOST_CLIENTS).admit,  # type: ignore[arg-type]
            origins=[None],
            max_size=MAX_FRAME_BYTES,
            close_timeout=_CLOSE_TIMEOUT_S,
            ping_interval=_PING_INTERVAL_S,
            ping_timeout=_PING_TIMEOUT_S,
            **BOUNDS,
        )
        port: int = next(iter(self._server.sockets)).getsockname()[1]
        return port

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            with contextlib.suppress(asyncio.TimeoutError, TimeoutError):
                await asyncio.wait_for(self._server.wait_closed(), 2 * _CLOSE_TIMEOUT_S)

    async def _converse(self, connection: ServerConnection) -> None:
        assert isinstance(connection, Guest)
        connection.conversing = True
        try:
            with contextlib.suppress(ConnectionClosed):
                await self._answer(connection)
        finally:
            connection.conversing = False
            connection.leave_if_done()

    async def _answer(self, connection: Guest) -> None:
        try:
            await connection.send(await self._in_worker(self._service.greet))
            while True:
                # Without a name of its own, a request is not kept until the next one is there.
                answer = await self._in_worker(
                    partial(self._service.answer, await receive(connection))
                )
                if self._stopping.is_set():
                    return  # the reply to an interrupted request is dropped
                await connection.send(answer)
        except ConnectionClosed:
            raise
        except Exception as error:
            if self._stopping.is_set():
                return  # the worker may have been shut down already
            await connection.send(f"{REQUEST_FAILED}{self._tell(connection, error)}")
            await connection.close(CloseCode.INTERNAL_ERROR, "server error, see the last text")
        finally:  # also when the host cancels this task to stop
            await connection.close(CloseCode.GOING_AWAY)

    def _tell(self, connection: Guest, error: Exception) -> str:
        """Log why a request failed; return what its client may know of it."""
        told = reason_for_client(error)
        if isinstance(error, ProtocolError):
            _LOG.warning("a request from %s is not valid: %s", connection.remote_address, told)
        else:
            trace = printable_lines(traceback.format_exc(), _LOGGED_LINES)
            _LOG.error("a request from %s failed\n%s", connection.remote_address, trace)
        return told

    async def _in_worker(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, call)

    def _pause(self, delay_s: float) -> None:
        if delay_s > 0.0:
            self._stopping.wait(delay_s)
