# SPDX-License-Identifier: Apache-2.0
"""What every reference policy answers beside actions: its configuration, settings and reloads."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vera_ros.errors import ConfigurationError
from vera_ros.wire.protocol.server_config import ServerConfig

MOST_STEPS = 100  # of a chunk


class ReferencePolicy:
    """A HostedPolicy without `infer`.

    Args:
        config: sent to a client that connects.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._config = config

    @property
    def horizon(self) -> int:
        """Actions per chunk where the request names no number."""
        return self._config.action_horizon

    def server_config(self) -> dict[str, Any]:
        """Return the map that is sent to a client that connects."""
        return self._config.to_wire()

    def reset(self, reason: str) -> None:
        """Forget the episode, whatever the reason."""

    def configure(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Change `n_action_steps`, the number of actions per call; return what was applied.

        Raises:
            ConfigurationError: a setting is unknown or out of range; nothing is applied then.
        """
        unknown = sorted(str(name) for name in settings if name != "n_action_steps")
        if unknown:
            raise ConfigurationError(
                f"the reference policy has no setting {', '.join(unknown)}; it has n_action_steps"
            )
        steps = settings.get("n_action_steps", self.horizon)
        if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= MOST_STEPS:
            raise ConfigurationError(
                f"n_action_steps is {steps!r}; it must be a whole number from 1 to {MOST_STEPS}"
            )
        self._config = replace(self._config, action_horizon=steps)
        return dict.fromkeys(settings, steps)

    def observe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Accept the frames that were played; there is no viewer to show them."""
        return {"ok": True, "retro_rendered": False}

    def reload(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the server config; there are no other weights to load.

        Raises:
            ConfigurationError: another embodiment is requested.
        """
        own = self._config.embodiment
        embodiment = request.get("embodiment") or own
        if embodiment != own:
            raise ConfigurationError(
                f"the reference policy cannot become '{embodiment}'; it is {own} only"
            )
        self.reset("reload")
        return self.server_config()
