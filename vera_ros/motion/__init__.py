# SPDX-License-Identifier: Apache-2.0
"""From a chunk of policy actions to joint trajectories within an arm's limits. No ROS.

The packages, each of which imports only those above it:

    kinematics    forward kinematics, Jacobians, inverse kinematics; compiled by Numba
    response      where the TCP goes when the actions are executed (osc_pose, direct)
    collision     distances between links, fingers and table
    planning      chunk_planner: a TCP path by inverse kinematics (tcp_path), as a joint motion that
                  begins as the arm moves and ends at rest (nominal_motion), slowed to the limits
                  (time_scaling); planner: stops and moves
    setpoint      what the controller commands, as computed from what was sent
    gripper       finger motion
    observation   joint states that count, and the controller's clock
    safety        gate: what is not within the limits is not sent; contact, tracking, deadlines
    execution     supervisor: accepts, watches and stops; dispatcher: sends through the gate;
                  chunk_scheduler: begins a chunk from rest or from the one that plays

On top of these: limits, chunk (what is asked for), trajectory (what is sent), causes (why not).
"""
