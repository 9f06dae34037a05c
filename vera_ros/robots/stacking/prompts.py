# SPDX-License-Identifier: Apache-2.0
"""The stacking task in words."""

PROMPT = "stack the red cube on the green cube"
VERA_PROMPT = "A robot arm stacks one block on top of another block"  # of its own mimicgen server
