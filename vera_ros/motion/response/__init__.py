# SPDX-License-Identifier: Apache-2.0
"""Response models: where the TCP goes when a policy's actions are executed."""
