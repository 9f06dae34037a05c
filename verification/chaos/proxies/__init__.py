# SPDX-License-Identifier: Apache-2.0
"""The relay and the proxy between the nodes, which inject faults into their communication."""
