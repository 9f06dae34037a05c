# SPDX-License-Identifier: Apache-2.0
"""The table of the checkpoints that VERA needs, and how to find those of a training run.

Standard library only, and nothing else of vera_ros: the policy server's image has a copy of this
package.
"""
