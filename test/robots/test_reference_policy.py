# SPDX-License-Identifier: Apache-2.0
"""Settings and reloads of a reference policy."""

from typing import Any

import pytest

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.robots.handshake import make_server_config
from vera_ros.robots.reference_policy import ReferencePolicy
from vera_ros.wire.protocol.server_config import ServerConfig

EMBODIMENT = find_embodiment("pusht")


class Noting(ReferencePolicy):
    """Notes why it is reset."""

    def __init__(self, config: ServerConfig) -> None:
        super().__init__(config)
        self.resets: list[str] = []

    def reset(self, reason: str) -> None:
        self.resets.append(reason)


@pytest.fixture
def policy() -> Noting:
    return Noting(make_server_config(EMBODIMENT, 2))


def test_it_says_that_it_is_no_model(policy: Noting) -> None:
    config = ServerConfig.from_wire(policy.server_config())
    assert (config.planner_model, config.idm_model) == ("reference", "reference")
    assert not any("/" in word for word in config.argv)


def test_configure_moves_the_advertised_horizon(policy: Noting) -> None:
    assert policy.configure({"n_action_steps": 7}) == {"n_action_steps": 7}
    assert policy.server_config()["action_horizon"] == policy.horizon == 7
    assert policy.configure({}) == {}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sample_steps": 5, "n_action_steps": 5}, "no setting sample_steps; it has n_action"),
        ({"n_action_steps": 0}, "n_action_steps is 0; .* from 1 to"),
        ({"n_action_steps": 101}, "n_action_steps is 101"),
        ({"n_action_steps": True}, "n_action_steps is True"),
        ({"n_action_steps": 2.5}, "n_action_steps is 2.5"),
    ],
)
def test_a_wrong_setting_changes_nothing(
    policy: Noting, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        policy.configure(settings)
    assert policy.horizon == 2


def test_reload_begins_anew_and_refuses_another_embodiment(policy: Noting) -> None:
    assert policy.reload({"embodiment": "pusht"}) == policy.reload({}) == policy.server_config()
    assert policy.resets == ["reload", "reload"]
    with pytest.raises(ConfigurationError, match="cannot become 'droid'; it is pusht only"):
        policy.reload({"embodiment": "droid"})
    assert policy.observe({"executed_rgb": []}) == {"ok": True, "retro_rendered": False}
