# SPDX-License-Identifier: Apache-2.0
"""The parameters of server_node and reference_server."""
