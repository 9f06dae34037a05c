# SPDX-License-Identifier: Apache-2.0
"""`scripts/bench motion`: fidelity, speed and margins of the motion side."""
