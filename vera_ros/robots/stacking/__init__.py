# SPDX-License-Identifier: Apache-2.0
"""What robots that stack cubes share: the scene with its Panda, its ground truth, and a policy."""
