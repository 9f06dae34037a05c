# SPDX-License-Identifier: Apache-2.0
"""Kinds of faults, their schedule, and their effects."""
