# SPDX-License-Identifier: Apache-2.0
"""What is said to a policy server and what it says: messages, their bounds and their encoding."""
