# SPDX-License-Identifier: Apache-2.0
import pytest

from vera_ros.bringup.launch_arguments import LAUNCH_ARGUMENTS, check_launch_arguments
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


@pytest.mark.parametrize("name", ["rviz", "lockstep", "use_sim_time", "autostart"])
def test_a_switch_may_be_written_as_in_python(name: str) -> None:
    (switch,) = (argument for argument in LAUNCH_ARGUMENTS if argument.name == name)
    assert switch.spellings is not None
    assert {switch.read(text) for text in switch.spellings} == {"true", "false"}


def test_other_arguments_are_read_as_they_are_written() -> None:
    for argument in LAUNCH_ARGUMENTS:
        if set(argument.choices or ()) != {"true", "false"}:
            assert argument.spellings == argument.choices
            assert argument.read("/Data/My Arm.yaml") == "/Data/My Arm.yaml"
