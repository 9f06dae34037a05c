# SPDX-License-Identifier: Apache-2.0
"""The page of findings in plain lines, where rich is not installed."""

from collections.abc import Iterator

from vera_ros.doctor.report import Report


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
