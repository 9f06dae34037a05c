# SPDX-License-Identifier: Apache-2.0
"""The system under test: processes, operator, what it says."""
