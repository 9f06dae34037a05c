# SPDX-License-Identifier: Apache-2.0
"""The camera views of policy_node: their streams, and what the graph says of their topics."""
