# SPDX-License-Identifier: Apache-2.0
"""Probes the server's address: only a completed handshake proves that a server is there."""

from dataclasses import dataclass
from enum import Enum, auto

from vera_ros.embodiments import Embodiment
from vera_ros.errors import (
    AccessDeniedError,
    ConfigurationError,
    ConnectionFailedError,
    ServerTimeoutError,
    TlsError,
    WireError,
)
from vera_ros.wire.client import PolicyClient
from vera_ros.wire.connection.address import without_password
from vera_ros.wire.protocol.server_config import check_embodiment


class Answer(Enum):
    """Result of a handshake."""

    READY = auto()  # a policy server for this robot
    NOTHING = auto()  # nothing listens
    UNCLEAR = auto()  # the port accepts, but sends no greeting or closes: perhaps a busy server
    STRANGER = auto()  # another program, or a policy server for another robot


@dataclass(frozen=True)
class Probe:
    """The outcome of one handshake.

    Attributes:
        answer: the result.
        detail: the result in words; empty: ready.
    """

    answer: Answer
    detail: str = ""


async def probe(client: PolicyClient, url: str, embodiment: Embodiment, timeout_s: float) -> Probe:
    """Try one handshake; where the answer is READY, the client stays connected."""
    shown = without_password(url)
    try:
        config = await client.connect(url, timeout_s)
        check_embodiment(config, embodiment)
    except ServerTimeoutError:
        return Probe(Answer.UNCLEAR, f"what listens at {shown} does not answer the handshake")
    except (TlsError, AccessDeniedError) as error:
        return Probe(Answer.STRANGER, str(error))
    except ConnectionFailedError as error:
        return Probe(_why_failed(error), str(error))
    except (ConfigurationError, WireError) as error:
        await client.close()
        return Probe(Answer.STRANGER, f"at {shown}: {error}")
    return Probe(Answer.READY)


def _why_failed(error: ConnectionFailedError) -> Answer:
    """Distinguish an absent server from one that closes the connection."""
    cause = error.__cause__
    hung_up = isinstance(cause, ConnectionError) and not isinstance(cause, ConnectionRefusedError)
    return Answer.NOTHING if isinstance(cause, OSError) and not hung_up else Answer.UNCLEAR
