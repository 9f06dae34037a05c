# SPDX-License-Identifier: Apache-2.0
"""Kinds of faults, when they strike, and what they do."""
