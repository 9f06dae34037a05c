# SPDX-License-Identifier: Apache-2.0
"""Addresses of policy servers and viewers, checked where they are read. Standard library only."""

import ipaddress
import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from vera_ros.errors import ConfigurationError
from vera_ros.printable import printable

EXAMPLE = "ws://127.0.0.1:8800"

WEBSOCKET = ("ws", "wss")
WEB = ("http", "https")

_SELF = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_URL = re.compile(r"([A-Za-z]+)://([^/?#]*)([^#]*)")
_USER = re.compile(r"^([A-Za-z]+://)?.*@", re.DOTALL)
_BAD_START = re.compile(r"^(((wss?|https?):?)?/+|(wss?|https?):)")
_LABEL = re.compile(r"\w([\w-]*\w)?")
_QUOTES = re.compile("[\u2018-\u201f\u00ab\u00bb]|^[\"'`]|[\"'`]$")  # typographic ones anywhere
_LONGEST_HOST = 253
_LARGEST_PORT = 65535


def url_of(host: str, port: int, scheme: str = "ws") -> str:
    """Return the URL at which a client on this machine reaches a server listening on `host`."""
    host = _SELF.get(host, host)
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def without_password(url: str) -> str:
    """Return an address as it may be shown: printable, with user and password as `…@`."""
    return printable(_USER.sub(r"\1…@", url))


def split_url(what: str, text: str, schemes: Sequence[str] = WEBSOCKET) -> SplitResult:
    """Return the parts of a valid address.

    Args:
        what: names it in the error, like `server_url`.
        text: the address.
        schemes: the valid ones; the encrypted one last.

    Raises:
        ConfigurationError: it is not valid; the message says in which part.
    """
    try:
        _check_url(text, schemes)
        return urlsplit(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{what} is '{without_password(text)}': {error}; valid is "
            f"{' or '.join(f'{scheme}://host:port' for scheme in schemes)}, like "
            f"{EXAMPLE.replace('ws', schemes[0], 1)}"
        ) from error


def check_host(what: str, text: str) -> None:
    """Raise ConfigurationError unless this is a host; `what` names it in the error."""
    why = why_no_host(text)
    if why:
        raise ConfigurationError(f"{what} is '{without_password(text)}': {why}")


def why_no_host(text: str) -> str:
    """Return why this is neither a host name nor an IP address; empty: it is one."""
    try:
        _check_host(text)
    except ValueError as error:
        return f"{error}; valid is a host name or an address, like 127.0.0.1"
    return ""


def is_port(text: str) -> bool:
    """Return whether this is a port, 1 to 65535, in decimal digits."""
    return bool(re.fullmatch(r"[0-9]{1,5}", text)) and 1 <= int(text) <= _LARGEST_PORT


def _check_url(text: str, schemes: Sequence[str]) -> None:
    if not text:
        raise ValueError("it is empty")
    if re.search(r"\$[({]", text):
        raise ValueError("only launch files expand $(…); write the address itself")
    if re.search(r"\s", text):
        raise ValueError("there is a space in it; remove it")
    if _QUOTES.search(text):
        raise ValueError("there are quotes in it; remove them, or write plain ones around it")
    if "#" in text:
        raise ValueError("there is a # in it; in a user or password, it is written %23")
    found = _URL.fullmatch(text)
    scheme = found[1].lower() if found else ""
    if scheme not in schemes and (not found or scheme in WEBSOCKET + WEB):
        proposed = schemes[-1] if text.startswith(("https:", "wss:")) else schemes[0]
        rest = _BAD_START.sub("", text, count=1)
        try:
            _check_url(f"{proposed}://{rest}", schemes)
        except ValueError as error:
            raise ValueError(f"it does not begin with {schemes[0]}://, and {error}") from error
        proposal = without_password(f"{proposed}://{rest}")
        raise ValueError(f"it does not begin with {schemes[0]}://; write {proposal}")
    if not found or scheme not in schemes:
        raise ValueError(f"{scheme} is no scheme of such an address")
    if "@" in found[3] and "@" not in found[2]:
        raise ValueError("in a user or password, / is written %2F, and ? is written %3F")
    host, colon, port = _split_place(found[2].rpartition("@")[2])
    _check_host(host)
    if colon and not is_port(port):
        raise ValueError(f"the port is '{port}', and valid is 1 … {_LARGEST_PORT}")


def _split_place(place: str) -> tuple[str, str, str]:
    """Return host, colon and port; colon and port are empty where there is none."""
    in_brackets = re.fullmatch(r"\[([^][]*)\](:?)(.*)", place)
    if in_brackets is None and (place.count(":") > 1 or "[" in place or "]" in place):
        raise ValueError("an IPv6 address is written in brackets, like [::1]:8800")
    if in_brackets is None:
        return place.partition(":")
    host, colon, port = in_brackets.groups()
    ipaddress.IPv6Address(host)
    if port and not colon:
        raise ValueError(f"'{port}' follows the brackets; a port follows a colon")
    return host, colon, port


def _check_host(host: str) -> None:
    if not host:
        raise ValueError("there is no host")
    if "/" in host or host.count(":") == 1:
        raise ValueError("a host alone has neither scheme nor port")
    if ":" in host:
        ipaddress.IPv6Address(host)
    elif re.fullmatch(r"[\d.]+", host):
        ipaddress.IPv4Address(host)
    elif len(host) > _LONGEST_HOST or not all(
        map(_LABEL.fullmatch, host.removesuffix(".").split("."))
    ):
        raise ValueError(f"'{host}' is no host name")
