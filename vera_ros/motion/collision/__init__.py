# SPDX-License-Identifier: Apache-2.0
"""Distances between the arm's links, its fingers and the table."""
