# SPDX-License-Identifier: Apache-2.0
"""`scripts/bench motion`: accuracy, speed and limit margins of planning."""
