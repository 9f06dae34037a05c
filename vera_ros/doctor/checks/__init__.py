# SPDX-License-Identifier: Apache-2.0
"""The checks: one module for each part of the machine; `table` lists them all."""
