# SPDX-License-Identifier: Apache-2.0
"""Fault injection into the simulated system, with a monitor of every motion: `scripts/chaos`."""
