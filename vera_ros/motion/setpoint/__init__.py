# SPDX-License-Identifier: Apache-2.0
"""The set-point: what the arm's controller commands, as computed from what was sent."""
