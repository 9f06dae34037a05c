# SPDX-License-Identifier: Apache-2.0
"""Counts what a MessagePack frame announces, before any of it is built."""

from vera_ros.errors import ProtocolError

MAX_OBJECTS = 2**14  # of one message, keys included; the protocol's have some hundred
MAX_DEPTH = 32  # lists and maps in each other

# By the first byte of an object: bytes of its length or count, bytes of each of these, and bytes
# that follow in any case. See the MessagePack specification, "Formats".
_CONTAINERS = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}
_TEXTS = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_FIXED = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_FIXED |= {0xD4 + i: 1 + 2**i for i in range(5)}  # extensions with their type


def check_objects(frame: bytes) -> None:
    """Refuse a frame that announces more objects, or deeper ones, than any message has.

    A container of one byte costs a hundred when it is decoded, and a list costs its announced
    length at once. Whether the frame is valid is for the decoder to say.

    Raises:
        ProtocolError: it announces more than MAX_OBJECTS objects, or MAX_DEPTH levels.
    """
    position, announced = 0, 1
    open_ = [1]  # objects that are still to come, of each container that is not complete
    while position < len(frame) and open_:
        size, members = _head(frame, position)
        position += size
        announced += members
        open_[-1] -= 1
        if members:
            open_.append(members)
        if announced > MAX_OBJECTS or len(open_) > MAX_DEPTH:
            raise ProtocolError(
                f"a message of {len(frame)} bytes announces more than {MAX_OBJECTS} objects or "
                f"{MAX_DEPTH} levels, which no message of the protocol has; is the peer a VERA "
                "policy server?"
            )
        while open_ and not open_[-1]:
            open_.pop()


def _head(frame: bytes, at: int) -> tuple[int, int]:
    """Return the size of the object at a position without its members, and their number."""
    first = frame[at]
    if first in _CONTAINERS:
        width, each = _CONTAINERS[first]
        return 1 + width, each * _number(frame, at + 1, width)
    if first in _TEXTS or first in _EXTENSIONS:
        width = _TEXTS.get(first) or _EXTENSIONS[first]
        more = 1 if first in _EXTENSIONS else 0  # its type
        return 1 + width + more + _number(frame, at + 1, width), 0
    if 0x80 <= first <= 0x9F:
        return 1, (first & 0x0F) * (2 if first < 0x90 else 1)
    if 0xA0 <= first <= 0xBF:
        return 1 + (first & 0x1F), 0
    return 1 + _FIXED.get(first, 0), 0


def _number(frame: bytes, at: int, width: int) -> int:
    return int.from_bytes(frame[at : at + width], "big")
