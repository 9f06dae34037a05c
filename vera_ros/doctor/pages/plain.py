# SPDX-License-Identifier: Apache-2.0
"""The page of findings in plain lines, where rich or the characters of its page are missing."""

from collections.abc import Iterator

from vera_ros.doctor.pages.report import Report

_IN_ASCII = str.maketrans({"…": "...", "→": "->"})


def printable(text: str, encoding: str) -> str:
    """Return a text without characters that a terminal's encoding lacks."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(_IN_ASCII)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def lines(report: Report) -> Iterator[str]:
    """Yield the lines of the page."""
    for area, findings in report.areas.items():
        yield ""
        yield area
        for finding in findings:
            yield f"  {finding.verdict.value:8} {finding.name}: {finding.found}"
            if finding.mend:
                yield f"           -> {finding.mend}"
    yield ""
    yield report.summary
