# SPDX-License-Identifier: Apache-2.0
"""Addresses are checked where they are read: what is wrong is named, with what to write."""

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.errors import ConfigurationError
from vera_ros.wire.connection.address import (
    WEB,
    check_host,
    is_port,
    split_url,
    url_of,
    without_password,
)

HOSTS = ("127.0.0.1", "localhost", "gpu-machine", "gpu_1.lab.example", "::1", "fe80::1%eth0")

ports = st.integers(1, 65535)


@given(host=st.sampled_from(HOSTS), port=ports)
def test_what_a_server_listens_on_is_an_address(host: str, port: int) -> None:
    parts = split_url("url", url_of(host, port))
    assert (parts.hostname, parts.port) == (host, port)


@given(
    host=st.sampled_from([f"[{host}]" if ":" in host else host for host in HOSTS]),
    port=st.one_of(st.just(""), ports.map(lambda port: f":{port}")),
    scheme=st.sampled_from(["ws", "wss", "WS"]),
    path=st.sampled_from(["", "/", "/policy", "/a?b=c"]),
)
def test_a_path_and_no_port_are_valid(host: str, port: str, scheme: str, path: str) -> None:
    url = f"{scheme}://{host}{port}{path}"
    assert split_url("url", url) == urlsplit(url)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_server_that_listens_everywhere_is_reached_on_this_machine(host: str) -> None:
    assert split_url("url", url_of(host, 1)).hostname in ("127.0.0.1", "::1")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "it is empty"),
        ("“ws://gpu:8800”", "there are quotes in it"),
        ("'ws://gpu:8800'", "there are quotes in it"),
        ("«gpu»", "there are quotes in it"),
        ("$(env SERVER)", "only launch files expand"),
        ("ws://${HOST}:8800", "only launch files expand"),
        ("ws://gpu#1", "it is written %23"),
        ("gpu:port", "does not begin with ws://, and the port is 'port'"),
        ("http://ws://gpu", "does not begin with ws://, and the port"),
        ("gpu:8800:1", "does not begin with ws://, and an IPv6"),
        ("gpu", "write ws://gpu;"),
        ("gpu:8800", "write ws://gpu:8800;"),
        ("127.0.0.1:8800/a", "write ws://127.0.0.1:8800/a;"),
        ("//gpu:8800", "write ws://gpu:8800;"),
        ("ws:gpu:8800", "write ws://gpu:8800;"),
        ("ws:/gpu:8800", "write ws://gpu:8800;"),
        ("ws//gpu:8800", "write ws://gpu:8800;"),
        ("http://gpu:8800", "write ws://gpu:8800;"),
        ("https://gpu:8800", "write wss://gpu:8800;"),
        ("tcp://gpu:8800", "tcp is no scheme"),
        (" ws://gpu:8800", "a space in it"),
        ("ws://gpu:8800 ", "a space in it"),
        ("ws://gpu :8800", "a space in it"),
        ("ws://gpu:8800\n", "a space in it"),
        ("ws://", "there is no host"),
        ("ws://:8800", "there is no host"),
        ("ws://gpu:", "the port is ''"),
        ("ws://gpu:0", "the port is '0'"),
        ("ws://gpu:65536", "the port is '65536'"),
        ("ws://gpu:-1", "the port is '-1'"),
        ("ws://gpu:88.0", "the port is '88.0'"),
        ("ws://gpu:\u0668", "the port is '\u0668'"),
        ("ws://gpu:port", "the port is 'port'"),
        ("ws://gpu:8800:8800", "in brackets"),
        ("ws://::1:8800", "in brackets"),
        ("ws://[::1:8800", "in brackets"),
        ("ws://::1]:8800", "in brackets"),
        ("ws://[::1]8800", "follows a colon"),
        ("ws://[]:8800", "Address cannot be empty"),
        ("ws://[::g]:8800", "'::g'"),
        ("ws://[1.2.3.4]:8800", "'1.2.3.4'"),
        ("ws://1.2.3:8800", "'1.2.3'"),
        ("ws://1.2.3.400:8800", "'1.2.3.400'"),
        ("ws://-gpu:8800", "'-gpu' is no host name"),
        ("ws://gpu..lab:8800", "is no host name"),
        ("ws://<host>:8800", "is no host name"),
        ("ws://gpu:8800#a", "'ws://gpu:8800#a'"),
    ],
)
def test_an_address_that_cannot_be_one(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        split_url("parameter 'server_url'", url)
    said = str(error.value)
    shown = url.replace("\n", r"\n")
    assert said.startswith(f"parameter 'server_url' is '{shown}': ")
    assert words in said
    assert said.endswith("valid is ws://host:port or wss://host:port, like ws://127.0.0.1:8800")


def test_an_address_for_another_scheme() -> None:
    for url in ("ws://gpu:8801", "gpu:8801"):
        with pytest.raises(ConfigurationError, match=r"write http://gpu:8801; valid is http://"):
            split_url("viewer_url", url, WEB)
    with pytest.raises(
        ConfigurationError, match=r"write ws://gpu:1; valid is ws://host:port, like"
    ):
        split_url("server_url", "wss://gpu:1", ("ws",))


@given(text=st.text(max_size=20) | st.from_regex(r"(wss?|https?)?[:/#]{0,3}[a-z.]*(:\d*)?/?"))
def test_what_is_proposed_is_valid(text: str) -> None:
    try:
        split_url("url", text)
    except ConfigurationError as error:
        proposed = re.search(r"; write (ws.*); valid is", str(error))
        if proposed is not None and "…@" not in proposed[1]:
            split_url("url", proposed[1])


@given(text=st.text(max_size=40))
def test_nothing_else_is_ever_raised(text: str) -> None:
    for url in (text, f"ws://{text}", f"ws://[{text}]:1", f"ws://gpu:{text}"):
        try:
            parts = split_url("url", url)
        except ConfigurationError:
            continue
        assert parts.hostname
        assert parts.port is None or 1 <= parts.port <= 65535


@pytest.mark.parametrize(
    "host", ["", " ", "two words", "a/b", "gpu:8800", "ws://gpu", "1.2.3", "-"]
)
def test_a_host_that_cannot_be_one(host: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        check_host("VERA_SERVER_HOST", host)
    assert f"VERA_SERVER_HOST is '{host}'" in str(error.value)
    assert "like 127.0.0.1" in str(error.value)


@given(port=st.integers(-10, 70000))
def test_ports(port: int) -> None:
    assert is_port(str(port)) is (1 <= port <= 65535)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ws://gpu:8800", "ws://gpu:8800"),
        ("wss://user:s3cret@gpu:8800/path", "wss://…@gpu:8800/path"),
        ("wss://s3cret@gpu", "wss://…@gpu"),
        ("wss://user:s3/cret@gpu", "wss://…@gpu"),
        ("wss://user:s3@cret@gpu", "wss://…@gpu"),
        ("user:s3cret@gpu:8800", "…@gpu:8800"),
        ("ws:user:s3cret@gpu", "…@gpu"),
        ("ws://user:s3\ncret@gpu", "ws://…@gpu"),
        ("ws://gpu\x1b[2J", r"ws://gpu\x1b[2J"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    "url",
    [
        *("http://user:s3cret@gpu", "user:s3cret@gpu:8800", "wss://user:s3cret@gpu:x"),
        *("wss://user:s3cret@", "wss://user:s3 cret@gpu", "wss://user:s3/cret@gpu"),
        *("wss://user:s3?cret@gpu", "wss://user:s3#cret@gpu", "wss://user:s3@cret@-gpu"),
    ],
)
def test_an_error_does_not_show_the_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        split_url("server_url", url)
    assert "s3" not in str(error.value)
    assert "cret" not in str(error.value)
