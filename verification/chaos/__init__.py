# SPDX-License-Identifier: Apache-2.0
"""Faults against the simulated system, and a monitor that judges every motion. `scripts/chaos`."""
