# SPDX-License-Identifier: Apache-2.0
"""What the checks judge: configuration, machine, running graph, each gathered once."""
