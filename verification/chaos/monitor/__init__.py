# SPDX-License-Identifier: Apache-2.0
"""Independent judgement of every trajectory and of the true arm's motion."""
