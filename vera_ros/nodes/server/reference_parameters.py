# SPDX-License-Identifier: Apache-2.0
"""The parameters of reference_server."""

from vera_ros.nodes.common.parameters.declarations import Parameter
from vera_ros.robots.registry import WITH_REFERENCE_POLICY
from vera_ros.wire.connection.address import check_host

OWN_PORT = -1

PARAMETERS = (
    Parameter(
        "embodiment",
        "mimicgen",
        "the embodiment whose reference policy is served",
        choices=WITH_REFERENCE_POLICY,
    ),
    Parameter("host", "127.0.0.1", "address to listen on", form=check_host),
    Parameter(
        "port",
        OWN_PORT,
        "port to listen on; -1: the embodiment's own",
        minimum=OWN_PORT,
        maximum=65535,
    ),
    Parameter(
        "looks_ahead",
        True,
        "plan from where the actions that play during inference lead; other servers do not",
    ),
    Parameter("delay_s", 0.0, "delay added to every inference", "s", minimum=0.0, maximum=600.0),
)
