# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of the motion side: fidelity, speed, and a storm of bad chunks. `scripts/bench`."""
