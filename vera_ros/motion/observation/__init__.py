# SPDX-License-Identifier: Apache-2.0
"""What is known of the arm: filtered joint states and the controller's clock."""
