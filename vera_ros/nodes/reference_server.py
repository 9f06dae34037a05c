# SPDX-License-Identifier: Apache-2.0
"""reference_server: an embodiment's reference policy, for machines without a GPU."""

from typing import Any, NoReturn

from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.health import Health
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.common.node_process import run_node
from vera_ros.nodes.server.reference_parameters import OWN_PORT, PARAMETERS
from vera_ros.robots.registry import make_reference_policy
from vera_ros.server.host import PolicyHost


class ReferenceServer(VeraNode):
    """Hosts the reference policy."""

    def __init__(self, **options: Any) -> None:
        super().__init__("reference_server", PARAMETERS, **options)
        self._host: PolicyHost | None = None

    @property
    def _port(self) -> int:
        p = self.parameters
        own = p["port"] == OWN_PORT
        return find_embodiment(p["embodiment"]).policy_port if own else int(p["port"])

    def setup(self) -> None:
        """Start the server.

        Raises:
            ConfigurationError: the port is 0, at which no client would look for it.
        """
        p = self.parameters
        if self._port == 0:
            raise ConfigurationError(
                "parameter 'port' is 0; valid is 1 … 65535, or -1 for the embodiment's own"
            )
        policy = make_reference_policy(p["embodiment"], looks_ahead=p["looks_ahead"])
        self._host = PolicyHost(policy, p["host"], self._port, delay_s=p["delay_s"])
        port = self._host.start()
        self.get_logger().info(
            f"the reference policy of {p['embodiment']} answers on ws://{p['host']}:{port}"
        )

    def teardown(self) -> None:
        """Stop the server."""
        if self._host is not None:
            self._host.stop()
            self._host = None

    def health(self) -> Health:
        """Report the server's address."""
        p = self.parameters
        url = f"ws://{p['host']}:{self._port}"
        values = {"embodiment": p["embodiment"], "url": url, "delay_s": p["delay_s"]}
        return Health(values=values, hardware=url)


def main() -> NoReturn:
    """Entry point."""
    run_node(ReferenceServer)


if __name__ == "__main__":
    main()
