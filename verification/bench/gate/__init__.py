# SPDX-License-Identifier: Apache-2.0
"""`scripts/bench gate`: a storm of chunks against planner and gate."""
