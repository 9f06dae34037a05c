# SPDX-License-Identifier: Apache-2.0
import pytest

from vera_ros.bringup.launch_arguments import check_launch_arguments
from vera_ros.errors import ConfigurationError


def test_launch_arguments_that_nothing_reads_are_refused() -> None:
    declared = ("robot", "server", "namespace", "config")
    check_launch_arguments(["robot:=real", "config:=a:=b", "sigterm_timeout:=60"], declared)
    for argument, words in (
        ("namespac:=left", ("'namespac'", "namespace")),
        ("speed_scale:=0.5", ("'speed_scale'", "config")),
    ):
        with pytest.raises(ConfigurationError) as refusal:
            check_launch_arguments(["robot:=real", argument], declared)
        for word in words:
            assert word in str(refusal.value)
