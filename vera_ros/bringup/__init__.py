# SPDX-License-Identifier: Apache-2.0
"""Bring-up of a graph of nodes: their parameters, and their processes from start to end."""
