# SPDX-License-Identifier: Apache-2.0
import shutil
import subprocess
from pathlib import Path

import pytest

from test.bringup.test_enclaves import make_keystore
from vera_ros.doctor.checks.security import (
    check,
    judge_certificates,
    judge_keys,
    judge_start,
    judge_variables,
)
from vera_ros.doctor.facts.context import Context
from vera_ros.doctor.finding import Verdict
from vera_ros.doctor.options import Options

ENCLAVES = ("/vera_ros/ik_node", "/vera_ros/policy_node")
DAY_S = 86_400.0
NOW_S = 1_800_000_000.0


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    made = make_keystore(tmp_path / "keystore", *ENCLAVES)
    (made / "private").mkdir()
    (made / "private" / "ca.key.pem").touch()
    for path in made.rglob("*.pem"):
        path.chmod(0o600)
    for path in made.rglob("permissions.p7s"):
        path.write_text("<dds><allow_rule><domains>\n<id>44</id>\n</domains></allow_rule></dds>")
    return made


# Variables.


@pytest.mark.parametrize("enabled", [{}, {"ROS_SECURITY_ENABLE": "false"}])
def test_an_open_graph_is_named_and_warned_of_where_an_arm_is_real(enabled: dict[str, str]) -> None:
    simulated, real = (judge_variables(enabled, robot) for robot in ("sim", "real"))
    assert (simulated.verdict, real.verdict) == (Verdict.SKIPPED, Verdict.WARNING)
    for finding in (simulated, real):
        for what in ("every program", "release", "approve", "send chunks"):
            assert what in finding.found


@pytest.mark.parametrize("value", ["1", "True", "yes", " true"])
def test_what_ros_does_not_read_as_enabled_is_a_failure(value: str) -> None:
    finding = judge_variables({"ROS_SECURITY_ENABLE": value}, "sim")
    assert finding.verdict is Verdict.FAILURE
    assert finding.mend == "export ROS_SECURITY_ENABLE=true"


@pytest.mark.parametrize("keystore", ["", "/does/not/exist", __file__])
def test_a_keystore_is_a_folder(keystore: str) -> None:
    environ = {"ROS_SECURITY_ENABLE": "true", "ROS_SECURITY_KEYSTORE": keystore}
    assert judge_variables(environ, "real").verdict is Verdict.FAILURE


@pytest.mark.parametrize(
    ("strategy", "verdict"),
    [("Enforce", Verdict.OK), ("", Verdict.WARNING), ("Permissive", Verdict.WARNING)],
)
def test_programs_without_keys_may_not_run_unnoticed(
    strategy: str, verdict: Verdict, tmp_path: Path
) -> None:
    environ = {
        "ROS_SECURITY_ENABLE": "true",
        "ROS_SECURITY_KEYSTORE": str(tmp_path),
        "ROS_SECURITY_STRATEGY": strategy,
    }
    assert judge_variables(environ, "real").verdict is verdict


# Keys.


def test_complete_private_keys_for_this_domain_are_well(keystore: Path) -> None:
    assert judge_keys(keystore, ENCLAVES, "44").verdict is Verdict.OK


@pytest.mark.parametrize("name", ["key.pem", "permissions.p7s", "governance.p7s"])
def test_a_missing_file_is_named(name: str, keystore: Path) -> None:
    (keystore / "enclaves/vera_ros/policy_node" / name).unlink()
    finding = judge_keys(keystore, ENCLAVES, "44")
    assert finding.verdict is Verdict.FAILURE
    assert name in finding.found
    assert "/vera_ros/policy_node" in finding.found
    assert "ik_node" not in finding.found


@pytest.mark.parametrize("secret", ["private/ca.key.pem", "enclaves/vera_ros/ik_node/key.pem"])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_keys_that_others_can_read_are_a_failure(secret: str, mode: int, keystore: Path) -> None:
    (keystore / secret).chmod(mode)
    finding = judge_keys(keystore, ENCLAVES, "44")
    assert finding.verdict is Verdict.FAILURE
    assert secret in finding.found
    subprocess.run(finding.mend.split(), check=True, timeout=60)
    assert judge_keys(keystore, ENCLAVES, "44").verdict is Verdict.OK


def test_keys_for_another_domain_are_a_failure(keystore: Path) -> None:
    finding = judge_keys(keystore, ENCLAVES, "0")
    assert finding.verdict is Verdict.FAILURE
    assert "44" in finding.found
    assert finding.mend.startswith("export ROS_DOMAIN_ID=44")


# Certificates.


@pytest.mark.parametrize(
    ("left_s", "verdict"),
    [(400 * DAY_S, Verdict.OK), (3 * DAY_S, Verdict.WARNING), (-1.0, Verdict.FAILURE)],
)
def test_certificates_that_expire_are_told_in_time(left_s: float, verdict: Verdict) -> None:
    ends_s = {ENCLAVES[0]: NOW_S + 1000 * DAY_S, ENCLAVES[1]: NOW_S + left_s}
    finding = judge_certificates(ends_s, NOW_S)
    assert finding.verdict is verdict
    assert verdict is Verdict.OK or ENCLAVES[1] in finding.found


# The start of a node.


def test_a_middleware_without_security_is_named() -> None:
    error = "error creating node: Please compile Fast DDS using the -DSECURITY=ON CMake option"
    assert judge_start(ENCLAVES[0], "").verdict is Verdict.OK
    finding = judge_start(ENCLAVES[0], error)
    assert finding.verdict is Verdict.FAILURE
    assert "built without security" in finding.found
    assert "keys" in judge_start(ENCLAVES[0], "SECURITY ERROR: invalid certificate").mend


def test_real_certificates_and_a_real_node_are_tried(
    keystore: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the certificates are no signed ones: the node must not start with them."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    for enclave in ENCLAVES:
        folder = keystore / "enclaves" / enclave.strip("/")
        curve = "ec -pkeyopt ec_paramgen_curve:P-256"
        line = f"openssl req -x509 -newkey {curve} -nodes -subj /CN=test -days 9"
        subprocess.run(
            [*line.split(), "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
            check=True,
            timeout=60,
            capture_output=True,
        )
    for name, value in (
        ("ROS_SECURITY_ENABLE", "true"),
        ("ROS_SECURITY_KEYSTORE", str(keystore)),
        ("ROS_SECURITY_STRATEGY", "Enforce"),
        ("ROS_DOMAIN_ID", "44"),
    ):
        monkeypatch.setenv(name, value)
    options = Options(robot="real", server="attach", deadline_s=60.0)
    found = {finding.name: finding for finding in check(Context(options))}
    assert found["security"].verdict is Verdict.OK
    assert found["keys"].verdict is Verdict.OK
    assert found["certificates"].verdict is Verdict.WARNING
    assert "expires in 9 days" in found["certificates"].found
    assert found["secure node"].verdict is Verdict.FAILURE
