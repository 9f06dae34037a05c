# SPDX-License-Identifier: Apache-2.0
"""Which checkpoints VERA needs, and where they lie.

Python's standard library alone, and nothing else of vera_ros: the policy server's image has a copy
of this package.
"""
