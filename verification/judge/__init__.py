# SPDX-License-Identifier: Apache-2.0
"""What motion is judged by; nothing of it is used to plan."""
