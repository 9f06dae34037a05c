# SPDX-License-Identifier: Apache-2.0
"""The registry makes the policy that its name says, and names what there is."""

import pytest

from vera_ros.embodiments import EMBODIMENTS, find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.robots.registry import WITH_REFERENCE_POLICY, make_reference_policy
from vera_ros.wire.protocol.server_config import ServerConfig, check_embodiment


@pytest.mark.parametrize("looks_ahead", [True, False])
@pytest.mark.parametrize("embodiment", WITH_REFERENCE_POLICY)
def test_a_policy_serves_its_embodiment(embodiment: str, looks_ahead: bool) -> None:
    if embodiment == "pusht":
        pytest.importorskip("gym_pusht")
    policy = make_reference_policy(embodiment, looks_ahead=looks_ahead)
    config = ServerConfig.from_wire(policy.server_config())
    assert config.embodiment == embodiment
    check_embodiment(config, find_embodiment(embodiment))


@pytest.mark.parametrize("embodiment", sorted(set(EMBODIMENTS) - set(WITH_REFERENCE_POLICY)))
def test_an_embodiment_without_one_is_named(embodiment: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'{embodiment}' has no .* are mimicgen, pusht"):
        make_reference_policy(embodiment)


def test_an_unknown_embodiment_is_named() -> None:
    with pytest.raises(ConfigurationError, match="unknown embodiment 'spot'"):
        make_reference_policy("spot")
