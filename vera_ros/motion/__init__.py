# SPDX-License-Identifier: Apache-2.0
"""From a chunk of policy actions to joint trajectories within an arm's limits. No ROS.

What happens to a chunk, and where:

    commander        takes it, keeps what plays and what the episode carries over
    rails            the embodiment's bounds
    start            from rest, or from the motion of the chunk before
    response         where its actions lead: osc_response (osc_model, osc_law, rigid_bodies),
                     direct_response; responses chooses
    path             along that by inverse kinematics (ik), as far as limits, singular postures and
                     obstacles (collision) let it
    nominal_motion   a joint motion that begins as the arm moves and ends at rest
    timing, limits   slowed where a rate asks for it
    plan             the result, a joint_spline
    gate             what is wrong is not sent; what is sent is remembered

planner makes moves, stops and brakes; gripper the fingers' motion.

supervisor decides what may be played (timeliness), watches it (playback_watch, contact, watchdogs)
by what is known of the arm (joint_state_filter, joint_track, senses), and stops it; a listener is
told. chain and small_matrices are the kinematics that compiled makes fast.
"""
