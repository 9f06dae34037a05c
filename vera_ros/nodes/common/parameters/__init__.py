# SPDX-License-Identifier: Apache-2.0
"""Parameters of nodes: declarations, checks of what is given, services that set them."""
