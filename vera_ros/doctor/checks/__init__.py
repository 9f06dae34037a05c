# SPDX-License-Identifier: Apache-2.0
"""What is looked at: one module for each part of the machine; `table` lists them."""
