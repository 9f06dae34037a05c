# SPDX-License-Identifier: Apache-2.0
"""What hostile or broken servers do: a catalogue, in part generated from the protocol's fields."""

import asyncio
import contextlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import msgpack
import numpy as np

from test.wire.raw_server import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Script, Talk, frame
from vera_ros.wire.protocol.codec import MAX_ANSWER_BYTES, pack
from vera_ros.wire.protocol.server_config import ServerConfig

FORGED = "\x1b[2J\r\n[ERROR] [ik_node]: all clear\u202e"
CONFIG: dict[str, Any] = {
    "view_keys": ["agentview_image", "robot0_eye_in_hand_image"],
    "view_widths": [],
    "image_resolution": None,
    "action_space": "eef_delta",
    "action_horizon": 10,
    "context_frames": 21,
    "action_dim": 7,
    "control_dt": 0.05,
    "gripper_is_raw": True,
    "actions_already_metric": True,
    "embodiment": "mimicgen",
    "needs_prompt": False,
}
ACTIONS = np.zeros((10, 7), np.float32)
REPLY = {"action": ACTIONS, "info": {}}
GOOD: dict[str, str | bytes] = {
    "infer": pack(REPLY),
    "reset": "reset successful",
    "configure": pack({"applied": {"n_action_steps": 10}}),
    "observe": pack({"ok": True}),
    "reload": pack(CONFIG),
}


@dataclass(frozen=True)
class Behaviour:
    """One thing that a server does.

    Attributes:
        name: says what, after its kind.
        script: does it, on each connection.
        task: the call that it is done to; empty: connecting.
        hangs: whether the client can but wait for it.
    """

    name: str
    script: Script
    task: str = ""
    hangs: bool = False

    @property
    def kind(self) -> str:
        """The layer that is abused."""
        return self.name.partition(" ")[0]


def message(content: str | bytes) -> bytes:
    """Return a whole message as a frame."""
    if isinstance(content, str):
        return frame(TEXT, content.encode())
    return frame(BINARY, content)


def nested(levels: int, inner: Any = 0) -> Any:
    """Return a value in so many lists."""
    for _ in range(levels):
        inner = [inner]
    return inner


# Values that no field should have, and some that are merely odd.
ANYTHING: dict[str, Any] = {
    "nothing": None,
    "an empty map": {},
    "an array": np.zeros((2, 2)),
    "bytes": b"\xff" * 10_000,
    "a huge text": "x" * 60_000,
    "a forged line": FORGED,
    "nested lists": nested(25),
    "a long list": [1] * 5000,
    "a list of texts": [FORGED * 20] * 200,
    "a huge number": 2**64 - 1,
    "a negative number": -(2**63),
    "zero": 0,
    "not a number": float("nan"),
    "infinity": float("inf"),
}
# The findings' own, and their like.
SPECIAL: dict[str, list[Any]] = {
    "image_resolution": [[10**6, 10**6], [2**31, 2**31], [4096, 4096], [1, 2**63], [128] * 5000],
    "view_widths": [[10**9, 10**9], [-128, 384], [4096, 4096], [2**31, 1]],
    "view_keys": [[], ["agentview_image"] * 2, [""] * 500, ["a\x00b", "c"]],
    "context_frames": [4096, 10**9, -1],
    "action_horizon": [2**31, -5],
    "action_dim": [4096, 10**6],
    "action_abs_scale": [[1e308] * 7, [float("nan")] * 7, [1.0] * 1000],
    "control_dt": [1e-300, 1e300, -0.05],
    "gripper_dim_index": [10**9, -7],
    "argv": [["--vis-port", "9" * 5000], ["--vis-port", "٣"], ["--vis-port"], ["-" * 60_000]],
    "hostname": ["x" * 65_000, "host\n" * 1000],
}


def field_behaviours() -> Iterator[Behaviour]:
    """A configuration with a value that its field cannot have, for each field."""
    for field in fields(ServerConfig):
        values = [*ANYTHING.items(), *((str(v)[:30], v) for v in SPECIAL.get(field.name, []))]
        for said, value in values:
            yield Behaviour(
                f"field {field.name}: {said}", greeting(pack({**CONFIG, field.name: value}))
            )
    for name in CONFIG:
        config = {key: value for key, value in CONFIG.items() if key != name}
        yield Behaviour(f"field {name}: missing", greeting(pack(config)))


def answer_behaviours() -> Iterator[Behaviour]:
    """An answer with a value that its field cannot have, for each field of each answer."""
    bases: dict[str, dict[str, Any]] = {
        "infer": REPLY,
        "configure": {"applied": {}},
        "observe": {"ok": True, "retro_rendered": True, "error": ""},
        "reload": {"embodiment": "mimicgen"},
    }
    for task, base in bases.items():
        for name in base:
            for said, value in ANYTHING.items():
                content = pack({**(CONFIG if task == "reload" else base), name: value})
                yield Behaviour(f"answer {task} {name}: {said}", answering(task, content), task)
    info = ("session_id", "cold_start", "context_len", "infer_s", "phase", "pending_actions")
    for name in info:
        for said, value in ANYTHING.items():
            content = pack({**REPLY, "info": {name: value}})
            yield Behaviour(
                f"answer infer info {name}: {said}", answering("infer", content), "infer"
            )
    arrays = {
        "550,000 rows": np.zeros((550_000, 7), np.float32),
        "no rows": ACTIONS[:0],
        "4097 rows": np.zeros((4097, 7), np.float32),
        "three dimensions": ACTIONS[None],
        "no dimension": np.float32(1.0),
        "eight columns": np.zeros((10, 8), np.float32),
        "complex numbers": ACTIONS.astype(np.complex64),
        "half numbers that are not finite": np.full((10, 7), np.nan, np.float16),
        "numbers that float32 cannot hold": np.full((10, 7), 1e300),
    }
    for said, array in arrays.items():
        yield Behaviour(
            f"answer infer action: {said}",
            answering("infer", pack({"action": array, "info": {}})),
            "infer",
        )
    for task in GOOD:
        yield Behaviour(f"answer {task}: a forged text", answering(task, FORGED), task)
        yield Behaviour(f"answer {task}: a text of 15 MB", answering(task, "é" * 7_000_000), task)
        yield Behaviour(f"answer {task}: a text of lines", answering(task, "a\n" * 10**6), task)
        yield Behaviour(f"answer {task}: an empty text", answering(task, ""), task)
        yield Behaviour(f"answer {task}: that of another", answering(task, other(task)), task)


def frame_behaviours() -> Iterator[Behaviour]:
    """MessagePack that is invalid, or costs more than it should."""
    large = 60 * 2**20
    frames = {
        "15 MB of empty lists": b"\xdd" + (15 * 2**20).to_bytes(4, "big") + b"\x90" * 15 * 2**20,
        "15 MB of empty maps in lists": (b"\xdc\x40\x00" + b"\x80" * 0x4000) * 900,
        "lists of lists of empty maps": b"\xdc\x03\xe8"
        + (b"\xdc\x3a\x98" + b"\x80" * 15_000) * 1000,
        "a list of four thousand million": b"\xdd\xff\xff\xff\xff",
        "a map of four thousand million": b"\xdf\xff\xff\xff\xff",
        "lists of a million in each other": (b"\xdd" + (10**6).to_bytes(4, "big")) * 500,
        "maps of many in each other": (b"\xde\x3f\xff" + b"\x01\x02" * 100) * 500,
        "a thousand levels": b"\x91" * 1000,
        "a million levels": b"\x91" * 10**6,
        "levels of maps": b"\x81\x01" * 10_000,
        "a list as a key": b"\x81\x90\x00",
        "a map as a key": b"\x81\x80\x00",
        "a text that is not UTF-8": b"\x81\xa1\xff\xa1\xff",
        "a text longer than it": b"\xdb\xff\xff\xff\xff",
        "bytes longer than it": b"\xc6\xff\xff\xff\xff",
        "an unused byte": b"\xc1",
        "an extension": msgpack.packb(msgpack.ExtType(5, b"code")),
        "a timestamp": b"\xd6\xff\xff\xff\xff\xff",
        "nothing": b"",
        "something after the end": pack(CONFIG) + b"\x00",
        "an end too early": pack(CONFIG)[:-3],
        "an array without data": pack({b"__ndarray__": True}),
        "an array of objects": array(dtype="|O", data=b"\x00" * 8, shape=[1]),
        "an array of negative size": array(shape=[-1, -6]),
        "an array that overflows": array(shape=[2**31, 2**31, 4]),
        "an array of 10,000 dimensions": array(shape=[1] * 10_000),
        "an array of 10^18 empty rows": array(shape=[10**18, 0], data=b""),
        "a number of another type": pack({b"__npscalar__": True, b"dtype": "|u1", b"data": 999}),
        "a list": pack([CONFIG]),
        "a number": pack(5),
        "a key twice": b"\x82\xa1a\x01\xa1a\x02",
    }
    for said, content in frames.items():
        yield Behaviour(f"msgpack {said}", greeting(content))
        yield Behaviour(f"msgpack in an answer: {said}", answering("infer", content), "infer")
    yield Behaviour(f"msgpack {large} bytes", announcing(large))


def websocket_behaviours() -> Iterator[Behaviour]:
    """Frames that the websocket protocol does not allow, or that go on for ever."""
    greeted = frame(BINARY, pack(CONFIG))
    empty = frame(CONTINUATION, fin=False)
    begun = frame(BINARY, fin=False)
    wrong = {
        "a masked frame": frame(BINARY, pack(CONFIG), masked=True),
        "a reserved bit": frame(BINARY, pack(CONFIG), reserved=4),
        "a reserved opcode": frame(3, b"x"),
        "a reserved control opcode": frame(11, b"x"),
        "a long ping": frame(PING, b"x" * 126),
        "a fragmented ping": frame(PING, b"x", fin=False),
        "a continuation of nothing": frame(CONTINUATION, b"x"),
        "a message in a message": begun + frame(TEXT, b"x"),
        "text that is not UTF-8": frame(TEXT, b"\xff\xfe"),
        "half a character": frame(TEXT, b"\xc3", fin=False) + frame(CONTINUATION, b"\x28"),
        "a frame of 2^63 bytes": frame(BINARY, announced=2**63 - 1),
        "a frame of 2^64 bytes": frame(BINARY, announced=2**64 - 1),
        "a message too large": frame(BINARY, announced=MAX_ANSWER_BYTES + 1),
        "fragments too large together": (
            begun + frame(CONTINUATION, bytes(2**20), fin=False) * 17 + frame(CONTINUATION)
        ),
        "a close with half a code": frame(CLOSE, b"\x03"),
        "a close with a forbidden code": frame(CLOSE, struct.pack(">H", 1005)),
        "a close with an unknown code": frame(CLOSE, struct.pack(">H", 4999)),
        "a close with a forged reason": frame(CLOSE, struct.pack(">H", 1011) + FORGED.encode()),
        "a close as too large with a forged reason": frame(
            CLOSE, struct.pack(">H", 1009) + FORGED.encode()
        ),
        "a close whose reason is not UTF-8": frame(CLOSE, struct.pack(">H", 1011) + b"\xff"),
        "a close and more": frame(CLOSE, struct.pack(">H", 1000)) + greeted,
    }
    for said, piece in wrong.items():
        yield Behaviour(f"websocket {said}", sending(piece))
        yield Behaviour(f"websocket as an answer: {said}", after_question(piece), "infer")
    yield Behaviour("websocket empty fragments without end", flooding(begun, empty * 20_000))
    yield Behaviour(
        "websocket small fragments without end",
        flooding(begun, frame(CONTINUATION, b"x", fin=False) * 20_000),
    )
    yield Behaviour(
        "websocket pings without end, and no reading",
        flooding(greeted, frame(PING, b"x" * 125) * 5000),
        "infer",
        hangs=True,
    )
    yield Behaviour(
        "websocket pongs without end",
        flooding(greeted, frame(PONG, b"x" * 125) * 5000),
        "infer",
        hangs=True,
    )
    yield Behaviour("websocket a fragment, then silence", sending(begun), hangs=True)
    yield Behaviour("websocket silence", sending(), hangs=True)
    yield Behaviour("websocket a greeting without end", dripping(greeted[:60]), hangs=True)
    good = message(GOOD["infer"])
    yield Behaviour("websocket two greetings", sending(greeted * 2), "infer")
    yield Behaviour("websocket an answer unasked", sending(greeted + good), "infer")
    yield Behaviour("websocket answers without end", flooding(greeted, good * 1000), "infer")
    yield Behaviour(
        "websocket large answers without end",
        flooding(greeted, frame(BINARY, bytes(8 * 2**20))),
        "infer",
    )
    yield Behaviour("websocket an answer twice", after_question(good * 2), "infer")
    yield Behaviour("websocket an answer three times", after_question(good * 3), "infer")
    yield Behaviour(
        "websocket an answer, and half of a second",
        after_question(good + frame(BINARY, GOOD["infer"][:9], fin=False)),  # type: ignore[arg-type]
        "infer",
    )
    yield Behaviour("websocket silence after the question", after_question(), "infer", hangs=True)
    yield Behaviour(
        "websocket half an answer after the question",
        after_question(good[:40]),
        "infer",
        hangs=True,
    )


def http_behaviours() -> Iterator[Behaviour]:
    """Responses to the handshake."""
    ok = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    wrong_key = b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"
    responses = {
        "a wrong accept": ok + wrong_key + b"\r\n",
        "no accept": ok + b"\r\n",
        "two accepts": ok + wrong_key * 2 + b"\r\n",
        "no upgrade": b"HTTP/1.1 101 Switching Protocols\r\n" + wrong_key + b"\r\n",
        "HTTP/1.0": b"HTTP/1.0 101 Switching Protocols\r\n\r\n",
        "HTTP/2": b"HTTP/2 200\r\n\r\n",
        "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "a forged status": b"HTTP/1.1 500 " + FORGED.encode() + b"\r\n\r\n",
        "a forged header": ok + b"Upgrade: \x1b[2Jx\r\n\r\n",
        "a header of 1 MB": ok + b"X: " + b"x" * 2**20 + b"\r\n\r\n",
        "10,000 headers": ok + b"X: y\r\n" * 10_000 + b"\r\n",
        "a header without colon": ok + b"nonsense\r\n\r\n",
        "a folded header": ok + b"X: a\r\n b\r\n\r\n",
        "a status of letters": b"HTTP/1.1 abc OK\r\n\r\n",
        "a status of five digits": b"HTTP/1.1 10100 OK\r\n\r\n",
        "a web page": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<htm>",
        "not found": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "no token": b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
        "no right": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        "not now": b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
        "a teapot": b"HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n",
        "a body of 10^18": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000000\r\n\r\n",
        "a negative body": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "a body of letters": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        "a chunk of 10^18": (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffff\r\n"
        ),
        "a body of 60 MB": (
            b"HTTP/1.1 200 OK\r\nContent-Length: 62914560\r\n\r\n" + bytes(60 * 2**20)
        ),
    }
    for target in ("ws://127.0.0.1:1/", "wss://user:secret@example.invalid/", "/again", FORGED):
        responses[f"a redirect to {target.encode('unicode_escape').decode()[:30]}"] = (
            b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
            + target.split("\r")[0].encode()
            + b"\r\n\r\n"
        )
    for said, content in responses.items():
        yield Behaviour(f"http {said}", responding(content))
    for said, header in {
        "an extension": b"Sec-WebSocket-Extensions: permessage-deflate\r\n",
        "a subprotocol": b"Sec-WebSocket-Protocol: other\r\n",
        "a hundred cookies": b"Set-Cookie: a=b\r\n" * 100,
    }.items():
        yield Behaviour(f"http unasked: {said}", with_headers(header))
    yield Behaviour("http a header without end", dripping_http(ok + b"X: "), hangs=True)
    yield Behaviour("http a line without end", flooding_http(b"x" * 2**16))
    yield Behaviour("http headers without end", flooding_http(ok, b"X: y\r\n" * 1000))


def tcp_behaviours() -> Iterator[Behaviour]:
    """Connections that break, hang or make no sense."""

    async def hang_up(talk: Talk) -> None:
        pass

    async def reset(talk: Talk) -> None:
        talk.writer.transport.abort()

    async def echo(talk: Talk) -> None:
        while piece := await talk.reader.read(2**16):
            await talk.send(piece)

    async def hang_up_after_request(talk: Talk) -> None:
        await talk.request()

    async def hang_up_after_question(talk: Talk) -> None:
        await talk.shake_hands()
        await talk.send(frame(BINARY, pack(CONFIG)))
        await talk.question()

    async def reset_after_question(talk: Talk) -> None:
        await hang_up_after_question(talk)
        talk.writer.transport.abort()

    async def half_close(talk: Talk) -> None:
        await talk.shake_hands()
        talk.writer.write_eof()
        await talk.ended()

    async def garbage(talk: Talk) -> None:
        with contextlib.suppress(OSError):
            while True:
                await talk.send(bytes(range(256)) * 256)

    yield Behaviour("tcp hangs up", hang_up)
    yield Behaviour("tcp resets", reset)
    yield Behaviour("tcp echoes", echo)
    yield Behaviour("tcp sends garbage without end", garbage)
    yield Behaviour("tcp says nothing", Talk.ended, hangs=True)
    yield Behaviour("tcp hangs up after the request", hang_up_after_request)
    yield Behaviour("tcp hangs up after the question", hang_up_after_question, "infer")
    yield Behaviour("tcp resets after the question", reset_after_question, "infer")
    yield Behaviour("tcp closes half", half_close)


def catalogue() -> list[Behaviour]:
    """Return all of them."""
    return [
        *tcp_behaviours(),
        *http_behaviours(),
        *websocket_behaviours(),
        *frame_behaviours(),
        *field_behaviours(),
        *answer_behaviours(),
    ]


# Scripts.


def greeting(content: bytes) -> Script:
    """Greet with this, and then answer every question well."""
    return _conversation(message(content), None)


def answering(task: str, content: str | bytes) -> Script:
    """Greet well, and answer every question with this."""
    return _conversation(message(pack(CONFIG)), message(content))


def after_question(*pieces: bytes) -> Script:
    """Greet well, and answer every question with these bytes."""
    return _conversation(message(pack(CONFIG)), b"".join(pieces))


def _conversation(greeted: bytes, answer: bytes | None) -> Script:
    async def script(talk: Talk) -> None:
        await talk.shake_hands()
        await talk.send(greeted)
        while True:
            await talk.question()
            await talk.send(message(GOOD["infer"]) if answer is None else answer)

    return script


def sending(*pieces: bytes) -> Script:
    """Shake hands, send these bytes and nothing more."""

    async def script(talk: Talk) -> None:
        await talk.shake_hands()
        await talk.send(*pieces)
        await talk.ended()

    return script


def announcing(size: int) -> Script:
    """Send a message of this size, in pieces."""

    async def script(talk: Talk) -> None:
        await talk.shake_hands()
        await talk.send(frame(BINARY, announced=size))
        for _ in range(size // 2**20):
            await talk.send(bytes(2**20))
        await talk.ended()

    return script


def flooding(begin: bytes, again: bytes) -> Script:
    """Shake hands, and send without end and without reading."""

    async def script(talk: Talk) -> None:
        await talk.shake_hands()
        await talk.send(begin)
        while True:
            await talk.send(again)

    return script


def dripping(content: bytes) -> Script:
    """Send byte by byte, and never the last one."""

    async def script(talk: Talk) -> None:
        await talk.shake_hands()
        for byte in content:
            await talk.send(bytes([byte]))
        await talk.ended()

    return script


def responding(content: bytes) -> Script:
    """Answer the HTTP request with this."""

    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.send(content)

    return script


def with_headers(headers: bytes) -> Script:
    """Accept the websocket with more headers than were asked for."""

    async def script(talk: Talk) -> None:
        await talk.shake_hands(headers)
        await talk.send(message(pack(CONFIG)))
        await talk.ended()

    return script


def dripping_http(begin: bytes) -> Script:
    """Send a response byte by byte, without an end."""

    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.send(begin)
        while True:
            await talk.send(b"x")
            await asyncio.sleep(0.02)

    return script


def flooding_http(*pieces: bytes) -> Script:
    """Send a response that does not end: the last piece again and again."""

    async def script(talk: Talk) -> None:
        await talk.request()
        await talk.send(*pieces)
        while True:
            await talk.send(pieces[-1])

    return script


def array(**changes: Any) -> bytes:
    """Return a message with an array that is not one."""
    good = {"__ndarray__": True, "data": bytes(24), "dtype": "<f4", "shape": [2, 3], **changes}
    content: bytes = msgpack.packb({key.encode(): value for key, value in good.items()})
    return content


def other(task: str) -> str | bytes:
    """Return the good answer to another question."""
    return GOOD["reset"] if task != "reset" else GOOD["infer"]
