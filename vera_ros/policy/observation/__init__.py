# SPDX-License-Identifier: Apache-2.0
"""What an episode sees: frames and proprioception of a request, and views that stall."""
