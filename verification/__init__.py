# SPDX-License-Identifier: Apache-2.0
"""Judges vera_ros from outside: benchmarks, faults, and a judge that shares no code with it."""
