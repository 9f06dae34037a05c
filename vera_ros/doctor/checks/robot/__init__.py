# SPDX-License-Identifier: Apache-2.0
"""Checks of the running robot: its description, sensors, cameras and controllers."""
