# SPDX-License-Identifier: Apache-2.0
"""How looking, inferring and playing follow on each other in time.

`settle` lets the arm come to rest between chunks, `overlap` infers while it moves, `lockstep` lets
simulated time pass only while a chunk plays. An Episode is given one of them.
"""
