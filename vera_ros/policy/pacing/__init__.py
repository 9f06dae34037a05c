# SPDX-License-Identifier: Apache-2.0
"""Pacing: how an episode sequences observation, inference and playback in time.

`settle` lets the arm come to rest between chunks, `overlap` infers while it moves, `lockstep` lets
simulated time pass only while a chunk plays. An Episode uses one of them.
"""
