# SPDX-License-Identifier: Apache-2.0
"""The arms that can stack: the Panda, and others by their URDF, with a hand."""
