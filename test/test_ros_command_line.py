# SPDX-License-Identifier: Apache-2.0
"""What of a command line is for ROS."""

from vera_ros.ros_command_line import ros_arguments


def test_ros_arguments_stand_between_their_marks() -> None:
    line = (
        "node -p a:=1 --ros-args -p b:=2 --params-file f -p c:=3 -- -p d:=4 --ros-args --param e:=5"
    )
    assert ros_arguments(line.split(), "-p", "--param") == ["b:=2", "c:=3", "e:=5"]
    assert ros_arguments(line.split(), "--params-file") == ["f"]
