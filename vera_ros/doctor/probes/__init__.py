# SPDX-License-Identifier: Apache-2.0
"""Programs that doctor runs as processes of their own: what they use may hang, crash or be missing.

Each reads one JSON object from its standard input and writes facts to its standard output.
"""
