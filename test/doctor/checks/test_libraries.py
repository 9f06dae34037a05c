# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from vera_ros.doctor.checks.libraries import declared_requirements, import_all, judge
from vera_ros.doctor.facts.tools import Deadline, Probe
from vera_ros.doctor.finding import Finding, Verdict

REQUIRED = {
    name: Requirement(f"{name}{versions}")
    for name, versions in (
        ("numpy", ">=1.26,<3"),
        ("pin", ">=3.1,<5"),
        ("numba", ">=0.58,<1"),
        ("websockets", ">=14,<18"),
    )
}
OPTIONAL = {"av": Requirement("av>=13,<19")}
FACTS = {
    "numpy": {"version": "2.4.6"},
    "pin": {"version": "4.1.0"},
    "numba": {"version": "0.68.1"},
    "websockets": {"version": "17.4"},
    "av": {"version": "18.1.0"},
}
PATIENCE_S = 120.0


def findings(distro: str = "", **changes: dict[str, str]) -> list[Finding]:
    return judge(REQUIRED, OPTIONAL, FACTS | changes, distro)


def test_what_setup_py_declares_is_what_is_looked_at() -> None:
    declared = declared_requirements()
    assert {Requirement(line).name for line in declared[""]} >= set(REQUIRED)
    assert any(line.startswith("mujoco") for line in declared["sim"])
    assert any(line.startswith("rich") for line in declared["demo"])


def test_libraries_in_their_ranges_are_one_line() -> None:
    (finding,) = findings()
    assert finding.verdict is Verdict.OK
    assert "5 in the declared ranges" in finding.found
    assert "numpy 2.4.6" in finding.found


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"version": "10.4"}, "is 10.4; valid is"),
        ({"missing": "No module named 'websockets'"}, "is not installed"),
        ({"error": "ImportError: numpy.core"}, "cannot be imported: ImportError: numpy.core"),
    ],
)
def test_a_library_that_does_not_fit_is_named_with_its_mend(
    facts: dict[str, str], named: str
) -> None:
    (finding,) = findings(websockets=facts)
    assert finding.verdict is Verdict.FAILURE
    assert finding.name == "websockets"
    assert named in finding.found
    assert "python3 -m pip install 'websockets" in finding.mend


def test_what_only_the_demo_needs_is_warned_of() -> None:
    (finding,) = findings(av={"missing": "No module named 'av'"})
    assert finding.verdict is Verdict.WARNING
    assert "scripts/demo" in finding.found


def test_a_ros_installation_takes_from_apt_what_is_compiled_against_its_numpy() -> None:
    missing = {"missing": "No module named 'pinocchio'"}
    (finding,) = findings("jazzy", pin=missing)
    assert finding.mend == "sudo apt-get install ros-$ROS_DISTRO-pinocchio"
    (finding,) = findings("jazzy", websockets={"version": "10.4"})
    assert "pip install" in finding.mend


def test_a_library_of_unknown_version_is_believed() -> None:
    (finding,) = findings(websockets={"version": ""})
    assert finding.verdict is Verdict.OK


def test_imports_that_fail_or_crash_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each in a real process: the last one takes it down."""
    for name, text in (
        ("whole", "__version__ = '1.2'"),
        ("torn", "raise ValueError('numpy.dtype size changed')"),
        ("hollow", "import absent_from_here"),
        ("deadly", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"),
    ):
        (tmp_path / f"library_{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    names = [f"library_{name}" for name in ("whole", "absent", "torn", "hollow", "deadly", "late")]
    wanted = {name: Requirement(name) for name in names}
    facts = import_all(wanted, Probe("libraries", Deadline(PATIENCE_S)))
    assert facts["library_whole"] == {"version": "1.2"}
    assert "missing" in facts["library_absent"]
    assert facts["library_torn"]["error"] == "ValueError: numpy.dtype size changed"
    assert "absent_from_here" in facts["library_hollow"]["error"]
    assert "SIGSEGV" in facts["library_deadly"]["error"]
    assert facts["library_late"] == {"error": "was not tried"}
