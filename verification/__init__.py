# SPDX-License-Identifier: Apache-2.0
"""Verification of vera_ros: benchmarks, fault injection, and an independent trajectory checker."""
