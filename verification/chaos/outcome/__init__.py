# SPDX-License-Identifier: Apache-2.0
"""The outcome of each fault, and the report of a run."""
