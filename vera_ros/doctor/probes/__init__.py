# SPDX-License-Identifier: Apache-2.0
"""Programs that doctor runs apart: what they touch may hang, crash, or not be installed.

Each reads one JSON object from its standard input and writes facts to its standard output.
"""
