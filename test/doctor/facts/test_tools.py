# SPDX-License-Identifier: Apache-2.0
"""Real programs that answer, fail, hang, or are not there."""

import sys
from pathlib import Path

import pytest

from vera_ros.doctor.facts.tools import (
    Deadline,
    Output,
    Probe,
    ToolError,
    ToolMissingError,
    ToolTimeoutError,
    probe,
    run,
)
from vera_ros.doctor.finding import NotCheckedError

PATIENCE_S = 60.0


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_what_a_program_says_is_kept() -> None:
    code = "import sys; print('fact'); print('trouble\\nat last', file=sys.stderr); sys.exit(3)"
    output = run(python(code), Deadline(PATIENCE_S))
    assert output == Output(3, "fact\n", "trouble\nat last\n")
    assert output.why == "at last"
    assert Output(4, "only this\n", "").why == "only this"
    assert Output(5, "", "").why == "exit code 5"


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(ToolMissingError, match="'nvidia-smi-of-nobody' is not installed"):
        run(("nvidia-smi-of-nobody",), Deadline(PATIENCE_S))


def test_a_program_that_hangs_is_ended() -> None:
    with pytest.raises(ToolTimeoutError, match="does not answer"):
        run(python("import signal; signal.pause()"), Deadline(0.2))


def test_a_probe_that_hangs_is_ended() -> None:
    """It waits for its question."""
    with pytest.raises(ToolTimeoutError, match="'libraries' does not answer"):
        list(Probe("libraries", Deadline(0.2)).facts())


def test_a_probe_that_crashes_says_why() -> None:
    with pytest.raises(ToolError, match="KeyError: 'modules'"):
        probe("libraries", Deadline(PATIENCE_S), {})


def test_a_probe_without_its_library_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine where Numba is not installed."""
    (tmp_path / "numba.py").write_text("raise ModuleNotFoundError(\"No module named 'numba'\")")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    with pytest.raises(NotCheckedError, match="the Python package numba is not installed"):
        probe("compiled", Deadline(PATIENCE_S), {})


def test_no_deadline_is_passed_by_less_than_nothing() -> None:
    assert Deadline(0.0).remaining() == 0.0
    assert 0.0 < Deadline(5.0).remaining() <= 5.0
