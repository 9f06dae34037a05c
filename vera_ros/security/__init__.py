# SPDX-License-Identifier: Apache-2.0
"""Policies of SROS2: which topics, services and actions each node of a graph may use.

    roles       what programs that are no nodes of this package may use: a command line, rviz2
    grants      the nodes of a graph, with all names as the graph has them
    policy      XML that `ros2 security generate_artifacts` reads
    cli         the command: a file per enclave

The names come from `vera_ros.bringup.interfaces`.
"""
