# SPDX-License-Identifier: Apache-2.0
"""Files that cannot be used are named with their parameter, and no secret is ever shown."""

import ssl
from pathlib import Path

import pytest

from vera_ros.errors import ConfigurationError
from vera_ros.wire.connection.access import ACCESS_FILES, ServerAccess

CERTIFICATES = Path(__file__).with_name("certificates")
URL = "wss://gpu:8443"
CLIENT = (CERTIFICATES / "client.pem").read_text()
KEY = CLIENT[CLIENT.index("-----BEGIN EC PRIVATE KEY") :]


def write(folder: Path, **texts: str) -> ServerAccess:
    """Return an access with files of these contents."""
    for name, text in texts.items():
        (folder / name).write_text(text)
    return ServerAccess(**{name: str(folder / name) for name in texts})


def test_nothing_is_needed_for_a_plain_server() -> None:
    assert ServerAccess().options("ws://user:password@gpu:8800") == {}


def test_a_server_behind_tls_needs_no_files() -> None:
    options = ServerAccess().options(URL)
    assert options.keys() == {"ssl"}
    assert options["ssl"].verify_mode is ssl.CERT_REQUIRED
    assert options["ssl"].check_hostname


def test_certificate_and_key_may_be_in_two_files(tmp_path: Path) -> None:
    access = write(tmp_path, server_certificate_file=CLIENT.replace(KEY, ""), server_key_file=KEY)
    assert "ssl" in access.options(URL)


def test_a_token_becomes_a_header(tmp_path: Path) -> None:
    access = write(tmp_path, server_token_file="  abc.DEF-123 \n")
    headers = access.options(URL)["additional_headers"]
    assert headers == {"Authorization": "Bearer abc.DEF-123"}


def test_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    access = write(tmp_path, server_token_file="old")
    access.options(URL)
    write(tmp_path, server_token_file="new")
    assert "new" in access.options(URL)["additional_headers"]["Authorization"]


@pytest.mark.parametrize("name", ACCESS_FILES)
def test_a_missing_file_is_named_with_its_parameter(tmp_path: Path, name: str) -> None:
    more = {"server_certificate_file": str(CERTIFICATES / "client.pem")}
    missing = {name: str(tmp_path / "missing")}
    access = ServerAccess(**(more | missing if name == "server_key_file" else missing))
    with pytest.raises(ConfigurationError, match=r"server_\w+_file is '.*missing.*No such file"):
        access.options(URL)


@pytest.mark.parametrize("name", ACCESS_FILES)
def test_a_file_for_a_server_without_tls_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is for .* TLS.*…@gpu:8800.*write wss://"):
        ServerAccess(**{name: "file"}).options("ws://user:password@gpu:8800")


@pytest.mark.parametrize(
    "texts",
    [
        {"server_ca_file": "secret"},
        {"server_ca_file": ""},
        {"server_ca_file": KEY},
        {"server_certificate_file": "secret"},
        {"server_certificate_file": CLIENT.replace(KEY, "")},
        {"server_certificate_file": CLIENT, "server_key_file": "secret"},
        {
            "server_certificate_file": CLIENT,
            "server_key_file": KEY.replace("EC PRIVATE", "ENCRYPTED PRIVATE"),
        },
        {"server_key_file": KEY},
        {"server_token_file": ""},
        {"server_token_file": " \n"},
        {"server_token_file": "two secret words"},
        {"server_token_file": "secret\r\nX-Header: forged"},
        {"server_token_file": "sécret"},
        {"server_token_file": "secret" * 2000},
    ],
)
def test_what_is_in_a_file_is_checked_and_not_shown(tmp_path: Path, texts: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as error:
        write(tmp_path, **texts).options(URL)
    said = str(error.value)
    assert any(name in said for name in texts)
    assert "secret" not in said
    assert "cret" not in said
