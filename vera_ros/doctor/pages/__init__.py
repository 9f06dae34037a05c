# SPDX-License-Identifier: Apache-2.0
"""How the findings are shown: in a terminal, as plain lines, as a file."""
