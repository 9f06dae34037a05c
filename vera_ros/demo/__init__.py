# SPDX-License-Identifier: Apache-2.0
"""The demo: start the graph, run episodes, judge, film and report."""
