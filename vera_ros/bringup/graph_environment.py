# SPDX-License-Identifier: Apache-2.0
"""Overrides of the system's options by the environment variables VERA_*.

The launch file imports this into the Python of `ros2`, which is the system's in any environment,
and may lack what the nodes need: so no library is imported. server_node checks the rest.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from vera_ros.bringup.enclaves import ENABLE, KEYSTORE
from vera_ros.bringup.graph_options import SERVERS, GraphOptions, Value
from vera_ros.embodiments import find_embodiment
from vera_ros.errors import ConfigurationError
from vera_ros.ros_rules import check_domain
from vera_ros.wire.connection.address import check_host, is_port, url_of

_OWN_PORT = "-1"
_MOST_SCALE = 30.0  # of policy_node's motion_plan_scale
_MOST_STEPS = 1000  # of its sample_steps


def with_environment(
    options: GraphOptions, environment: Mapping[str, str]
) -> tuple[GraphOptions, tuple[str, ...]]:
    """Return the options with the overrides, and a log line for each variable that has one.

    VERA_SERVER_MODE wins over `server`; VERA_SERVER_HOST and VERA_SERVER_PORT over `server_url`;
    VERA_MOTION_PLAN_SCALE and VERA_SAMPLE_STEPS over policy_node's parameters: only that
    way do they reach a server that was not started here, or that takes the former by `configure`.
    With ROS_SECURITY_ENABLE, the nodes have the keys of ROS_SECURITY_KEYSTORE.

    Raises:
        ConfigurationError: a variable is not valid; ROS_DOMAIN_ID included.
    """
    check_domain(environment)
    url = urlsplit(options.url)
    before = {
        "VERA_SERVER_MODE": options.server,
        "VERA_SERVER_HOST": url.hostname or "127.0.0.1",
        "VERA_SERVER_PORT": str(url.port or _OWN_PORT),
    }
    given = {name: environment[name] for name in before if environment.get(name)}
    chosen = before | given
    server = chosen["VERA_SERVER_MODE"]
    if server not in SERVERS:
        raise _refusal("VERA_SERVER_MODE", server, " | ".join(SERVERS))
    server_url = options.server_url
    if given.keys() - {"VERA_SERVER_MODE"}:
        port = _port(chosen["VERA_SERVER_PORT"], environment, options.embodiment)
        host = chosen["VERA_SERVER_HOST"]
        check_host("environment variable VERA_SERVER_HOST", host)
        server_url = url_of(host, port)
    lines = tuple(
        f"environment variable {name} wins: it is '{value}', not '{before[name]}'"
        for name, value in given.items()
        if value != before[name]
    )
    tuned = _tuned(environment)
    parameters = options.parameters
    if tuned:
        parameters = {**parameters, "policy_node": {**parameters.get("policy_node", {}), **tuned}}
    changed = replace(
        options,
        server=server,
        server_url=server_url,
        keystore=options.keystore or _keystore(environment),
        parameters=parameters,
    )
    return changed, lines + tuple(_tuned_lines(tuned))


def _keystore(environment: Mapping[str, str]) -> str:
    """Return the keystore where security is enabled (rcl knows `true` only); empty: it is not."""
    if environment.get(ENABLE) != "true":
        return ""
    keystore = environment.get(KEYSTORE)
    if not keystore:
        raise ConfigurationError(
            f"environment variable {ENABLE} is 'true' without {KEYSTORE}; set it to the folder "
            f"with the keys, or run: unset {ENABLE}"
        )
    return keystore


def _tuned(environment: Mapping[str, str]) -> dict[str, Value]:
    """Return parameters that policy_node forwards to the server; those that are 0 are left out."""
    scale = environment.get("VERA_MOTION_PLAN_SCALE") or "0"
    steps = environment.get("VERA_SAMPLE_STEPS") or "0"
    try:
        valid = 0.0 <= float(scale) <= _MOST_SCALE
    except ValueError:
        valid = False
    if not valid:
        raise _refusal("VERA_MOTION_PLAN_SCALE", scale, f"0 … {_MOST_SCALE:g}")
    if not (steps.isascii() and steps.isdecimal() and int(steps) <= _MOST_STEPS):
        raise _refusal("VERA_SAMPLE_STEPS", steps, f"0 … {_MOST_STEPS}")
    tuned: dict[str, Value] = {"motion_plan_scale": float(scale), "sample_steps": int(steps)}
    return {name: value for name, value in tuned.items() if value}


def _tuned_lines(tuned: Mapping[str, Value]) -> Iterator[str]:
    for name, value in tuned.items():
        yield f"environment variable VERA_{name.upper()} wins: policy_node's {name} is {value}"


def _port(text: str, environment: Mapping[str, str], embodiment: str) -> int:
    if text == _OWN_PORT:
        return find_embodiment(environment.get("VERA_EMBODIMENT") or embodiment).policy_port
    if not is_port(text):
        raise _refusal("VERA_SERVER_PORT", text, "1 … 65535, or -1 for the embodiment's own")
    return int(text)


def _refusal(variable: str, value: str, valid: str) -> ConfigurationError:
    return ConfigurationError(f"environment variable {variable} is '{value}'; valid is {valid}")
