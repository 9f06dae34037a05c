# SPDX-License-Identifier: Apache-2.0
"""Observation of the arm: filtered joint states, and an estimate of the controller's clock."""
