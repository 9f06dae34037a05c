# SPDX-License-Identifier: Apache-2.0
"""`scripts/bench setpoint`: the set-point when clocks, joint states and networks fail."""
