# SPDX-License-Identifier: Apache-2.0
"""From a chunk of policy actions to joint trajectories within an arm's limits. No ROS.

The packages, each of which imports only those above it:

    kinematics    forward kinematics, Jacobians, inverse kinematics; compiled by Numba
    response      where the TCP goes when the actions are executed (osc_pose, direct)
    collision     distances between links, fingers and table
    planning      chunk_planner: a joint path by inverse kinematics (tcp_path), as a joint motion
                  that continues the arm's and ends at rest (nominal_motion), slowed to the limits
                  (time_scaling); planner: stops and moves
    setpoint      what the controller commands, computed from the trajectories sent
    gripper       finger motion
    observation   filtered joint states, and an estimate of the controller's clock
    safety        gate: sends only what keeps the limits; contact, tracking, deadlines
    execution     supervisor: accepts, watches and stops; dispatcher: sends through the gate;
                  chunk_scheduler: begins a chunk from rest or from the playing one

Shared by these: limits, chunk (requests), trajectory (what is sent), causes (of refusals).
"""
