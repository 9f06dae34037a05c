# SPDX-License-Identifier: Apache-2.0
"""Interface of a policy that a server of the protocol can host."""

from collections.abc import Mapping
from typing import Any, Protocol


class HostedPolicy(Protocol):
    """A policy that a PolicyHost can serve; all its methods are called from one thread."""

    def server_config(self) -> dict[str, Any]:
        """Return the server's present configuration, see ServerConfig."""

    def infer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return `action`, float32 of shape (H, D), and optionally `info`, a map."""

    def reset(self, reason: str) -> None:
        """Forget the episode."""

    def configure(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Change settings; return those that apply now."""

    def observe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Accept played frames; return `ok` and `retro_rendered`. May raise NotImplementedError."""

    def reload(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Load other models; return the new server config. May raise NotImplementedError."""
