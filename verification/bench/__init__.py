# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of the motion stack, run by `scripts/bench`."""
