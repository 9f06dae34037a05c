# SPDX-License-Identifier: Apache-2.0
"""Checks before a motion is sent and while it is executed."""
