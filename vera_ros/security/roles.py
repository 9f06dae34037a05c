# SPDX-License-Identifier: Apache-2.0
"""Roles: what programs that are no nodes of this package may use in its graph."""

from vera_ros.bringup.enclaves import OBSERVER, OPERATOR, STATE_PUBLISHER
from vera_ros.bringup.interfaces import ROS_NODE, Interfaces

# How the names of the nodes begin that these programs create, in the graph's namespace or in none.
_COMMAND_LINE = ("/_ros2cli", "/launch_ros_", "/vera_ros_doctor")
_READERS = ("/rviz", "/transform_listener_impl_", "/rosbag2_recorder")
_OF_RCLCPP = frozenset({"/clock", "/parameter_events"})  # that every node may subscribe to


def roles(graph: Interfaces, prefix: str) -> dict[str, Interfaces]:
    """Return what each role may use, by the name of its enclave.

    - operator, a person's command line, `ros2 launch` included: calls every service, sends goals,
      holds the arm and judges the task, but sends neither chunks nor trajectories
    - observer, for what shows or records: reads everything, changes nothing
    - robot_state_publisher, of the simulated arm

    Args:
        graph: what all nodes of the graph use; absolute names.
        prefix: the graph's namespace, such as `/left`; empty: none.
    """
    describes = Interfaces(
        publishes=frozenset(
            f"{prefix}/{name}" for name in ("robot_description", "tf", "tf_static")
        ),
        subscribes=_OF_RCLCPP | {f"{prefix}/joint_states"},
    )
    reads = Interfaces(
        subscribes=graph.publishes | graph.subscribes | describes.publishes | _OF_RCLCPP
    )
    commands = Interfaces(publishes=graph.operated, calls=graph.serves, requests=graph.executes)
    return {
        OPERATOR: _own(prefix, OPERATOR, *_COMMAND_LINE) | reads | commands,
        OBSERVER: _own(prefix, OBSERVER, *_COMMAND_LINE, *_READERS) | reads,
        STATE_PUBLISHER: _own(prefix, STATE_PUBLISHER) | describes,
    }


def _own(prefix: str, name: str, *beginnings: str) -> Interfaces:
    """Return what every node has, for nodes of this name or whose names begin so."""
    tools = {f"{where}{beginning}*" for where in ("", prefix) for beginning in beginnings}
    nodes = {f"{prefix}/{name}", *tools}
    return Interfaces(
        publishes=ROS_NODE.publishes,
        serves=frozenset(
            service.replace("~", node) for service in ROS_NODE.serves for node in nodes
        ),
    )
