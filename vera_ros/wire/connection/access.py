# SPDX-License-Identifier: Apache-2.0
"""Certificates and token of a connection to the policy server, as files."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vera_ros.errors import ConfigurationError
from vera_ros.wire.connection.address import without_password

_LONGEST_TOKEN = 8000  # bytes: websockets and most servers take lines of 8192


def _file(meaning: str) -> Any:
    return field(default="", metadata={"meaning": f"for wss://, {meaning}"})


@dataclass(frozen=True)
class ServerAccess:
    """Files for a server behind TLS, under the names of the nodes' parameters; each is optional.

    They are read anew for every connection, so that they may be renewed.
    """

    server_ca_file: str = _file(
        "certificates (PEM) of the authorities to trust; empty: the system's"
    )
    server_certificate_file: str = _file("this client's certificate (PEM), with its chain")
    server_key_file: str = _file("the key of that certificate (PEM); empty: in the same file")
    server_token_file: str = _file("a file with a token, sent as `Authorization: Bearer`")

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> "ServerAccess":
        """Return the access that a node's parameters describe."""
        return cls(**{name: parameters[name] for name in ACCESS_FILES})

    def options(self, url: str) -> dict[str, Any]:
        """Return the options of websockets' `connect` for a server at this address.

        Raises:
            ConfigurationError: a file cannot be used, or does not fit the address; the message
                names its parameter.
        """
        parts = urlsplit(url)
        given = [name for name in ACCESS_FILES if getattr(self, name)]
        if parts.scheme.lower() != "wss":
            if given:
                raise ConfigurationError(
                    f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} for a server "
                    f"behind TLS, and {without_password(url)} has none; write wss://, or leave "
                    "out the files"
                )
            return {}
        options: dict[str, Any] = {"ssl": self.context()}
        if self.server_token_file:
            if parts.username is not None:
                raise ConfigurationError(
                    f"{without_password(url)} has a password, and there is a server_token_file; "
                    "leave out one of them"
                )
            options["additional_headers"] = {"Authorization": f"Bearer {self._token()}"}
        return options

    def context(self) -> ssl.SSLContext:
        """Return the TLS settings; raise ConfigurationError where a file cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.server_ca_file:
            try:
                context.load_verify_locations(_path(self.server_ca_file))
            except (OSError, ValueError) as error:
                raise _unusable("server_ca_file", self.server_ca_file, error) from error
        else:
            context.load_default_certs()
        if self.server_key_file and not self.server_certificate_file:
            raise ConfigurationError(
                "there is a server_key_file without a server_certificate_file; give both"
            )
        if self.server_certificate_file:
            key = _path(self.server_key_file) if self.server_key_file else None
            try:
                # Without a password, OpenSSL would ask for that of an encrypted key at a terminal.
                context.load_cert_chain(_path(self.server_certificate_file), key, password="")
            except (OSError, ValueError) as error:
                names = " and ".join(
                    filter(None, (self.server_certificate_file, self.server_key_file))
                )
                raise _unusable("server_certificate_file", names, error) from error
        return context

    def _token(self) -> str:
        try:
            with _path(self.server_token_file).open("rb") as file:
                token = file.read(_LONGEST_TOKEN + 1).strip()
        except OSError as error:
            raise _unusable("server_token_file", self.server_token_file, error) from error
        if not token or len(token) > _LONGEST_TOKEN or not all(33 <= byte <= 126 for byte in token):
            raise ConfigurationError(
                f"server_token_file is '{self.server_token_file}': it holds no token; valid is one "
                f"line of 1 to {_LONGEST_TOKEN} printable ASCII characters without spaces"
            )
        return token.decode("ascii")


ACCESS_FILES: Mapping[str, str] = {
    each.name: each.metadata["meaning"] for each in fields(ServerAccess)
}
"""The names of the files, and what each is."""


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _unusable(name: str, files: str, error: Exception) -> ConfigurationError:
    reason = getattr(error, "strerror", "") or str(error)
    if isinstance(error, ssl.SSLError):
        reason = f"{error.reason or error}; valid is PEM, keys that are not encrypted"
    return ConfigurationError(f"{name} is '{files}': it cannot be used ({reason})")
