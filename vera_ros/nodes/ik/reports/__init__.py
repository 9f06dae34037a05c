# SPDX-License-Identifier: Apache-2.0
"""What ik_node says: status, progress of chunks, the TCP and its path, health."""
