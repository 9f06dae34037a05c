# SPDX-License-Identifier: Apache-2.0
"""What a run comes to, in a terminal of any width, in plain lines, and as JSON."""

import json
import sys
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from vera_ros.doctor.cli import _show
from vera_ros.doctor.finding import (
    Finding,
    Verdict,
    failure,
    not_checked,
    not_needed,
    ok,
    unknown,
    warning,
)
from vera_ros.doctor.options import Options
from vera_ros.doctor.pages.page import render
from vera_ros.doctor.pages.plain import lines, printable
from vera_ros.doctor.pages.report import Report

GOOD = ok("Python", "3.12.3")
RISKY = warning("Fast DDS", "pictures get lost", "export FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA")
SILENT = unknown("server", "no answer within 20 s", "--deadline 60")
BAD = failure("robot0_eye_in_hand_image", "nothing publishes /hand [raw]", "start the camera")
IDLE = not_needed("GPU", "the reference server needs none")
BLIND = not_checked("views", "no graph")


def report(*findings: Finding) -> Report:
    half = len(findings) // 2
    areas = {"Robot": findings[:half], "Policy server": findings[half:]}
    return Report("0.1.0", Options(), areas, 4.25)


def page(whole: Report, width: int) -> str:
    output = StringIO()
    Console(file=output, width=width, highlight=False).print(render(whole))
    return output.getvalue()


@pytest.mark.parametrize(
    ("findings", "code", "summary"),
    [
        ([], 0, "no failures, no warnings, 0 ok, 0 not needed or not checked (4.2 s)"),
        ([GOOD, RISKY], 0, "no failures, 1 warning, 1 ok, 0 not needed or not checked (4.2 s)"),
        (
            [GOOD, RISKY, RISKY, BAD, IDLE, BLIND],
            1,
            "1 failure, 2 warnings, 1 ok, 2 not needed or not checked (4.2 s)",
        ),
        (
            [GOOD, SILENT],
            0,
            "no failures, 1 unknown (no answer in time), no warnings, 1 ok, "
            "0 not needed or not checked (4.2 s)",
        ),
    ],
)
def test_failures_alone_make_the_exit_code(
    findings: list[Finding], code: int, summary: str
) -> None:
    assert report(*findings).exit_code == code
    assert report(*findings).summary == summary


def test_the_json_holds_everything(tmp_path: Path) -> None:
    report(GOOD, BAD).write(tmp_path / "doctor.json")
    written = json.loads((tmp_path / "doctor.json").read_text())
    assert written["exit_code"] == 1
    assert written["options"]["robot"] == "sim"
    assert written["findings"] == [
        {"area": "Robot", "name": "Python", "verdict": "ok", "found": "3.12.3", "mend": ""},
        {
            "area": "Policy server",
            "name": "robot0_eye_in_hand_image",
            "verdict": "failure",
            "found": "nothing publishes /hand [raw]",
            "mend": "start the camera",
        },
    ]


@pytest.mark.parametrize("width", [80, 120])
def test_the_page_fits_its_terminal(width: int) -> None:
    text = page(report(GOOD, RISKY, BAD, IDLE), width)
    assert all(len(line) <= width for line in text.splitlines())
    for words in ("✓ Python", "! Fast DDS", "✗ robot0_eye_in_hand_image", "· GPU"):
        assert words in text
    assert "nothing publishes /hand [raw]" in text  # brackets are no markup
    assert "→ start the camera" in text
    assert "not needed: the reference server needs none" in text
    assert text.rstrip().endswith(report(GOOD, RISKY, BAD, IDLE).summary)


words = st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=300)


@given(
    st.lists(st.builds(Finding, words, st.sampled_from(Verdict), words, words), max_size=6),
    st.integers(60, 200),
)
def test_whatever_is_found_fits(findings: list[Finding], width: int) -> None:
    assert all(len(line) <= width for line in page(report(*findings), width).splitlines())


def test_plain_lines_say_the_same() -> None:
    text = "\n".join(lines(report(GOOD, RISKY, BAD, IDLE)))
    for finding in (GOOD, RISKY, BAD, IDLE):
        assert f"{finding.verdict.value:8} {finding.name}: {finding.found}" in text
        assert not finding.mend or f"-> {finding.mend}" in text
    assert report(GOOD, RISKY, BAD, IDLE).summary in text


@given(text=st.text(), encoding=st.sampled_from(["ascii", "latin-1", "cp437", "koi8-r", "utf-8"]))
def test_every_text_can_be_shown_in_every_terminal(text: str, encoding: str) -> None:
    shown = printable(text, encoding)
    assert shown.encode(encoding).decode(encoding) == shown
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return
    assert shown == text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "koi8-r", "utf-8", "UTF-16"])
def test_the_page_is_shown_in_every_terminal(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """Its marks and arrows are missing in the terminal of a server without a UTF-8 locale."""
    output = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(output, encoding))
    _show(report(GOOD, failure("Küche", "valid is 0.01 … 3 m/s", "cd /home/jürgen/机器人 → retry")))
    sys.stdout.flush()
    shown = output.getvalue().decode(encoding)
    assert "3.12.3" in shown
    assert "0.01 ... 3 m/s" in shown or "0.01 … 3 m/s" in shown
    assert "retry" in shown
    assert "1 failure" in shown
