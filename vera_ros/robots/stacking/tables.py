# SPDX-License-Identifier: Apache-2.0
"""The table tops that the pictures can show; names of files in description/textures."""

DARK_WOOD = "dark_wood"  # on which VERA's released planner was trained
WHITE = "white"  # robosuite's own
TABLES = (DARK_WOOD, WHITE)
