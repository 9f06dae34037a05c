# SPDX-License-Identifier: Apache-2.0
"""Checks of SROS2: who may command the arm, and whether the nodes' keys are there and usable."""

import os
import re
import ssl
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from vera_ros.bringup.enclaves import (
    ENABLE,
    GUIDE,
    KEYSTORE,
    STRATEGY,
    enclave_folder,
    enclave_of,
    missing_files,
)
from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.facts.tools import ToolError, ToolMissingError, probe, run
from vera_ros.doctor.finding import Finding, Verdict, failure, not_needed, ok, unknown, warning

NAME = "security"
_KEYS, _CERTIFICATES, _START = "keys", "certificates", "secure node"
_OPEN = (
    "off: every program in the graph may release a hold, approve and send chunks, and command the "
    "arm's controllers"
)
_SOON_S = 30 * 86_400.0
_DAY_S = 86_400.0


def check(context: Context) -> list[Finding]:
    """Check the variables of SROS2 and, where it is enabled, the keys of the graph's nodes."""
    options = context.options
    first = judge_variables(os.environ, options.robot)
    keystore = Path(os.environ.get(KEYSTORE, ""))
    if os.environ.get(ENABLE) != "true" or first.verdict is Verdict.FAILURE:
        return [first]
    names = _node_names(context)
    enclaves = [enclave_of(options.namespace, name) for name in names]
    keys = judge_keys(keystore, enclaves, os.environ.get("ROS_DOMAIN_ID") or "0")
    if keys.verdict is Verdict.FAILURE:
        return [first, keys]
    return [
        first,
        keys,
        _check_certificates(context, keystore, enclaves),
        _check_start(context, keystore, names[0]),
    ]


def judge_variables(environ: Mapping[str, str], robot: str) -> Finding:
    """Check that security is enabled and enforced, or say what its absence means."""
    enabled, keystore = environ.get(ENABLE, ""), environ.get(KEYSTORE, "")
    if enabled in ("", "false"):
        if robot == "sim":
            return not_needed(NAME, f"nothing real moves; it is {_OPEN}")
        return warning(
            NAME, _OPEN, f"make keys as {GUIDE} shows, or keep others out of the network"
        )
    if enabled != "true":
        return failure(
            NAME,
            f"{_OPEN}, since {ENABLE} is '{enabled}'; ROS reads only true",
            f"export {ENABLE}=true",
        )
    if not Path(keystore).is_dir() or not keystore:
        return failure(
            NAME,
            f"{KEYSTORE} is '{keystore}', which is not a folder",
            f"export {KEYSTORE}=<folder with the keys>; {GUIDE} shows how to make them",
        )
    strategy = environ.get(STRATEGY, "")
    if strategy != "Enforce":
        return warning(
            NAME,
            f"{STRATEGY} is '{strategy}': what you start without keys runs all the same, and is "
            "alone in an open graph",
            f"export {STRATEGY}=Enforce",
        )
    return ok(NAME, f"enforced, with the keys in {keystore}")


def judge_keys(keystore: Path, enclaves: Iterable[str], domain: str) -> Finding:
    """Check that each enclave has its files, for this domain, and that no other user reads keys."""
    enclaves = tuple(enclaves)
    make = f"make them as {GUIDE} shows"
    lacking = [enclave for enclave in enclaves if missing_files(keystore, enclave)]
    if lacking:
        what = ", ".join(missing_files(keystore, lacking[0]))
        return failure(
            _KEYS, f"{', '.join(lacking)}: there is no readable {what} in {keystore}", make
        )
    for enclave in enclaves:
        text = (enclave_folder(keystore, enclave) / "permissions.p7s").read_text(errors="replace")
        domains = set(re.findall(r"<id>(\d+)</id>", text))
        if domains and domain not in domains:
            return failure(
                _KEYS,
                f"those of {enclave} are for ROS_DOMAIN_ID {', '.join(sorted(domains))}, and here "
                f"it is {domain}",
                f"export ROS_DOMAIN_ID={min(domains)}, or {make} again for this one",
            )
    secret = [
        *(enclave_folder(keystore, enclave) / "key.pem" for enclave in enclaves),
        *keystore.glob("private/*"),
    ]
    open_to_others = [path for path in secret if path.stat().st_mode & 0o077]
    if open_to_others:
        return failure(
            _KEYS,
            f"other users of this machine may read {open_to_others[0]}"
            + (f" and {len(open_to_others) - 1} others" if len(open_to_others) > 1 else ""),
            f"chmod -R go= {keystore}",
        )
    return ok(_KEYS, f"of {len(enclaves)} enclaves, for ROS_DOMAIN_ID {domain}")


def judge_certificates(ends_s: Mapping[str, float], now_s: float) -> Finding:
    """Check that no certificate has expired or soon will. `ends_s`: by enclave, since 1970 [s]."""
    enclave, end_s = min(ends_s.items(), key=lambda item: item[1])
    day = time.strftime("%Y-%m-%d", time.gmtime(end_s))
    mend = f"make new ones as {GUIDE} shows"
    if end_s <= now_s:
        return failure(_CERTIFICATES, f"that of {enclave} has expired on {day}", mend)
    if end_s - now_s < _SOON_S:
        days = round((end_s - now_s) / _DAY_S)
        return warning(_CERTIFICATES, f"that of {enclave} expires in {days} days", mend)
    return ok(_CERTIFICATES, f"valid until {day} or longer")


def judge_start(enclave: str, error: str) -> Finding:
    """Check that a node starts with its keys. `error`: why it did not; empty: it did."""
    if not error:
        return ok(_START, f"one starts in {enclave}")
    if "SECURITY=ON" in error:
        return failure(
            _START,
            "this middleware was built without security, and with it no node starts",
            f"use the ROS packages of a distribution (apt or Docker); or run: unset {ENABLE}",
        )
    return failure(_START, f"none starts in {enclave}: {error}", f"make keys as {GUIDE} shows")


def _node_names(context: Context) -> list[str]:
    from vera_ros.bringup.graph import nodes
    from vera_ros.bringup.graph_options import GraphOptions

    options = GraphOptions(robot=context.options.robot, server=context.options.server)
    return [spec.name for spec in nodes(options)]


def _check_certificates(context: Context, keystore: Path, enclaves: Iterable[str]) -> Finding:
    ends_s = {}
    for enclave in enclaves:
        path = enclave_folder(keystore, enclave) / "cert.pem"
        try:
            shown = run(
                ["openssl", "x509", "-noout", "-enddate", "-in", str(path)], context.deadline
            )
        except ToolMissingError as error:
            return unknown(_CERTIFICATES, str(error), "sudo apt-get install openssl")
        if shown.code:
            return failure(_CERTIFICATES, f"{path}: {shown.why}", f"make keys as {GUIDE} shows")
        ends_s[enclave] = float(ssl.cert_time_to_seconds(shown.out.strip().partition("=")[2]))
    return judge_certificates(ends_s, time.time())


def _check_start(context: Context, keystore: Path, name: str) -> Finding:
    namespace = context.options.namespace
    enclave = enclave_of(namespace, name)
    asked = {"keystore": str(keystore), "namespace": namespace, "name": name}
    try:
        facts = probe("security", context.deadline, asked)
    except ToolError as error:
        return failure(_START, f"none starts in {enclave}: {error}", f"see {GUIDE}")
    return judge_start(enclave, facts["error"])
