# SPDX-License-Identifier: Apache-2.0
"""What stands between the nodes and spoils what passes."""
