# SPDX-License-Identifier: Apache-2.0
"""The findings in plain lines, for where nothing is installed yet, not even rich."""

from collections.abc import Iterator

from vera_ros.doctor.report import Report


def lines(report: Report) -> Iterator[str]:
    """The page, line by line."""
    for area, findings in report.areas.items():
        yield ""
        yield area
        for finding in findings:
            yield f"  {finding.verdict.value:8} {finding.name}: {finding.found}"
            if finding.mend:
                yield f"           -> {finding.mend}"
    yield ""
    yield report.summary
