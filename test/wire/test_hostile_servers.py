# SPDX-License-Identifier: Apache-2.0
"""No server can end, stall or fill this client, whatever it says: it errs in words, and goes on."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from test.wire.hostile_servers import CONFIG, GOOD, Behaviour, answering, catalogue, message
from test.wire.raw_server import RawServers, Talk
from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ProtocolError, VeraRosError
from vera_ros.policy.records.episode_record import EpisodeRecord
from vera_ros.policy.sharing import sign_of_another_client
from vera_ros.vision.frame_buffer import FrameBuffer
from vera_ros.vision.layout import view_widths
from vera_ros.wire.client import ClientTimeouts, PolicyClient
from vera_ros.wire.protocol.codec import pack
from vera_ros.wire.protocol.messages import InferRequest, ObserveRequest
from vera_ros.wire.protocol.server_config import ServerConfig, check_embodiment
from vera_ros.wire.provenance import describe_server, protocol_warning, viewer_url
from vera_ros.wire.tuning import tune

MIMICGEN = find_embodiment("mimicgen")
SHORT_S, LONG_S = 0.3, 10.0
SLACK_S = 3.0  # a busy machine ends a wait late
MOST_BYTES = 300 * 2**20
PICTURES = np.zeros((1, 4, 8, 3), np.uint8)
REQUEST = InferRequest(PICTURES, ("a", "b"), (4, 4), "episode")
PLAYED = ObserveRequest(PICTURES, ("a", "b"), (4, 4), "episode")
CATALOGUE = catalogue()
GROUPS: dict[str, list[Behaviour]] = {}
for _each in CATALOGUE:
    GROUPS.setdefault(_each.name.partition(":")[0], []).append(_each)


@pytest.fixture(scope="module")
def servers() -> Iterator[RawServers]:
    servers = RawServers()
    yield servers
    servers.stop()


@pytest.fixture(scope="module")
def good_url(servers: RawServers) -> str:
    async def script(talk: Talk) -> None:
        await talk.shake_hands()
        await talk.send(message(pack(CONFIG)))
        while True:
            await talk.question()
            await talk.send(message(GOOD["infer"]))

    return f"ws://127.0.0.1:{servers.serve(script)}"


class PeakMemory:
    """How much this process grew at most since, [bytes]: the server's own bytes included."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        self._before = self._read("VmRSS")

    @property
    def growth(self) -> int:
        return self._read("VmHWM") - self._before

    def _read(self, name: str) -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def use_config(config: ServerConfig, url: str) -> list[str]:
    """Do with a configuration what the nodes do; return the texts that they show."""
    check_embodiment(config, MIMICGEN)
    FrameBuffer(config.view_keys)
    height, width = config.image_resolution or MIMICGEN.resolution
    widths = view_widths(len(config.view_keys), (height, width), config.view_widths)
    np.zeros((config.context_frames, height, sum(widths), 3), np.uint8).fill(1)  # a full window
    assert config.gripper_column is not None
    return [describe_server(config), protocol_warning(config), viewer_url(url, config)]


async def use(client: PolicyClient, url: str, task: str) -> list[str]:
    """Make a call twice, as an episode would; return the texts that are shown."""
    shown = use_config(client.config, url)
    for _ in range(2):
        if task == "infer":
            reply = await client.infer(REQUEST)
            record = EpisodeRecord()
            record.replied(reply, 0.1)
            shown += [record.counters.phase, f"{record.counters.server_infer_s:.3f}"]
            shown.append(sign_of_another_client(reply.info, "episode", first=True, frames=1))
        elif task == "reset":
            await client.reset("episode", "new_episode")
        elif task == "configure":
            shown += (await tune(client, {"n_action_steps": 4})).complaints.values()
        elif task == "observe":
            shown.append((await client.observe(PLAYED)).error)
        elif task == "reload":
            shown += use_config(await client.reload({}), url)
    return shown


async def meet(url: str, good_url: str, behaviour: Behaviour) -> list[str]:
    """Have a client meet a behaviour, and a good server after it; return the texts shown."""
    within_s = SHORT_S if behaviour.hangs else LONG_S
    client = PolicyClient(
        ClientTimeouts(within_s, within_s, within_s, within_s, within_s, close_s=SHORT_S)
    )
    began_s = time.monotonic()
    try:
        await client.connect(url, within_s)
        shown = await use(client, url, behaviour.task)
    except VeraRosError as error:
        shown = [str(error)]
    assert time.monotonic() - began_s < within_s + SLACK_S
    await client.connect(good_url, LONG_S)
    assert len((await client.infer(REQUEST)).actions) == 10
    await client.close()
    return shown


@pytest.mark.parametrize("behaviours", GROUPS.values(), ids=GROUPS.keys())
def test_each_ends_in_words_in_time_and_in_little_memory(
    servers: RawServers, good_url: str, behaviours: list[Behaviour]
) -> None:
    urls = [f"ws://127.0.0.1:{servers.serve(behaviour.script)}" for behaviour in behaviours]

    async def session() -> list[str]:
        return [
            text
            for url, behaviour in zip(urls, behaviours, strict=True)
            for text in await meet(url, good_url, behaviour)
        ]

    memory = PeakMemory()
    shown = asyncio.run(session())
    assert memory.growth < MOST_BYTES
    for text in shown:
        assert text.isprintable()
        assert len(text) < 5000


def test_the_catalogue_has_every_kind_and_no_behaviour_twice() -> None:
    names = Counter(behaviour.name for behaviour in CATALOGUE)
    assert max(names.values()) == 1
    kinds = Counter(behaviour.kind for behaviour in CATALOGUE)
    assert kinds.keys() == {"tcp", "http", "websocket", "msgpack", "field", "answer"}
    assert sum(map(len, GROUPS.values())) == len(CATALOGUE) >= 100


@pytest.mark.parametrize("times", [2, 3])
def test_a_second_answer_is_not_played_as_the_next_one(servers: RawServers, times: int) -> None:
    url = f"ws://127.0.0.1:{servers.serve(answering('infer', GOOD['infer']))}"
    twice = f"ws://127.0.0.1:{servers.serve(_repeating(times))}"

    async def session() -> None:
        async with PolicyClient() as client:
            await client.connect(url, LONG_S)
            for _ in range(3):
                await client.infer(REQUEST)
            await client.connect(twice, LONG_S)
            await client.infer(REQUEST)
            with pytest.raises(ProtocolError, match="nobody had asked for"):
                await client.infer(REQUEST)
            assert not client.connected

    asyncio.run(session())


def _repeating(times: int) -> Any:
    async def script(talk: Talk) -> None:
        await talk.shake_hands()
        await talk.send(message(pack(CONFIG)))
        while True:
            await talk.question()
            for _ in range(times):
                await talk.send(message(GOOD["infer"]))

    return script


def test_a_redirect_is_not_followed(servers: RawServers, good_url: str) -> None:
    asked: list[str] = []

    async def elsewhere(talk: Talk) -> None:
        asked.append("elsewhere")

    async def redirect(talk: Talk) -> None:
        await talk.request()
        await talk.send(
            b"HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n"
            b"Location: ws://user:secret@127.0.0.1:%d/\r\n\r\n" % target
        )

    target = servers.serve(elsewhere)
    url = f"ws://127.0.0.1:{servers.serve(redirect)}"
    with pytest.raises(ProtocolError, match="not followed") as error:
        asyncio.run(PolicyClient().connect(url, LONG_S))
    assert "secret" not in str(error.value)
    assert not asked
