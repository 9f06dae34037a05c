# SPDX-License-Identifier: Apache-2.0
"""Brings a graph of nodes up: which nodes with which parameters, as processes, until they end."""
