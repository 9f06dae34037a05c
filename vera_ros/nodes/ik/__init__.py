# SPDX-License-Identifier: Apache-2.0
"""The parts of ik_node: sensing, chunks, services, outputs and reports."""
