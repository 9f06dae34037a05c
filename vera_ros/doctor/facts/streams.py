# SPDX-License-Identifier: Apache-2.0
"""Checks of streams of stamped messages: publishers, message types and delays."""

from collections.abc import Sequence
from statistics import median

from vera_ros.doctor.facts.graph import Sample, Topic
from vera_ros.doctor.finding import Finding, failure, warning

_FUTURE_S = 0.02  # clocks that differ by less count as synchronised
_SYNCHRONISE = (
    "synchronise the clocks of the machines (sudo apt-get install chrony), or the driver's"
)


def judge_sender(name: str, topic: Topic, kind: str, mend: str) -> Finding | None:
    """Check that messages of this type are published on the topic; None: all is well."""
    if not topic.publishers:
        return failure(name, f"nothing publishes {topic.name}", mend)
    kinds = {publisher.type for publisher in topic.publishers}
    if kinds != {kind}:
        sent = ", ".join(sorted(kinds))
        found = f"{topic.senders} publishes {topic.name} as {sent}; valid is {kind}"
        return failure(name, found, mend)
    return None


def judge_delay(
    name: str, samples: Sequence[Sample], *, warn_s: float, fail_s: float, parameters: str
) -> Finding | None:
    """Check that messages are stamped, and arrive soon after their stamps; None: all is well.

    Args:
        name: of the stream.
        samples: its messages, at least one.
        warn_s: delay above which some messages may be too late.
        fail_s: delay above which they are too late.
        parameters: names of the parameters that set these limits.
    """
    if any(sample.stamp_s == 0.0 for sample in samples):
        return failure(
            name,
            "the messages are not stamped (stamp 0)",
            "have the driver stamp them with the time when they were taken",
        )
    delay_s = median(sample.now_s - sample.stamp_s for sample in samples)
    if delay_s < -_FUTURE_S:
        return failure(name, f"the stamps are {_seconds(-delay_s)} in the future", _SYNCHRONISE)
    if delay_s > fail_s:
        return failure(
            name,
            f"the messages are {_seconds(delay_s)} old when they arrive; valid is up to "
            f"{_seconds(fail_s)}",
            f"{_SYNCHRONISE}; if they really are that late, raise {parameters}",
        )
    if delay_s > warn_s:
        return warning(
            name,
            f"the messages are {_seconds(delay_s)} old when they arrive; above {_seconds(warn_s)} "
            "some are too late",
            f"{_SYNCHRONISE}; if they really are that late, raise {parameters}",
        )
    return None


def _seconds(seconds: float) -> str:
    return f"{seconds * 1e3:.0f} ms" if seconds < 10.0 else f"{seconds:.0f} s"
