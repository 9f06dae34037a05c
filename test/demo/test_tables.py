# SPDX-License-Identifier: Apache-2.0
"""The console of a run takes what nodes and peers say, in whatever terminal."""

import sys
from io import BytesIO, TextIOWrapper

import pytest

from vera_ros.demo.tables import make_console


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "koi8-r", "utf-8"])
def test_no_terminal_ends_the_run(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    output = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(output, encoding))
    make_console().print("tcp_speed_limit is 30.0; valid is 0.01 … 3 m/s → 机器人")
    print("film    /home/jürgen/demo.mp4")
    sys.stdout.flush()
    shown = output.getvalue().decode(encoding)
    assert "tcp_speed_limit is 30.0; valid is 0.01" in shown
    assert "demo.mp4" in shown
