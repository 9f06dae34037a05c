# SPDX-License-Identifier: Apache-2.0
"""The system under test: its processes, its operator, and the events that it reports."""
