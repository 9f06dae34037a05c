# SPDX-License-Identifier: Apache-2.0
"""`scripts/bench gate`: fuzzes planner and gate with valid and invalid chunks."""
