# SPDX-License-Identifier: Apache-2.0
"""The parameter view_topics: one topic for each view of the embodiment."""

from collections.abc import Sequence

from vera_ros.embodiments import Embodiment
from vera_ros.errors import ConfigurationError


def check_view_topics(embodiment: Embodiment, topics: Sequence[str], *, given: bool) -> None:
    """Check that there are as many topics as the embodiment has views.

    Args:
        embodiment: embodiment with the views.
        topics: the parameter's value.
        given: whether it was given; otherwise it is the default, which fits one embodiment only.

    Raises:
        ConfigurationError: there are not.
    """
    views = embodiment.view_keys
    if len(topics) == len(views):
        return
    what = f"has {len(topics)} topics, {list(topics)}" if given else "is not given"
    raise ConfigurationError(
        f"parameter 'view_topics' {what}; the 'embodiment' {embodiment.name} has {len(views)} "
        f"views, {list(views)}: valid is one topic for each, in this order, like view_topics: "
        f"[{', '.join(f'{view}/image_raw' for view in views)}]; or is it another embodiment?"
    )
