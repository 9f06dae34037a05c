# SPDX-License-Identifier: Apache-2.0
"""From a TCP path to a timed joint motion within the limits; stops and moves."""
