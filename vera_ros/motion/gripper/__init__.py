# SPDX-License-Identifier: Apache-2.0
"""Finger motion: open and close commands over time."""
