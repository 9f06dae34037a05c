# SPDX-License-Identifier: Apache-2.0
"""Judges every trajectory and the true arm."""
