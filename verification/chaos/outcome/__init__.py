# SPDX-License-Identifier: Apache-2.0
"""What became of the faults, and what a run has shown."""
