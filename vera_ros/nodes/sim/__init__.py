# SPDX-License-Identifier: Apache-2.0
"""The parts of sim_node: cameras, controllers, time."""
