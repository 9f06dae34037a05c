# SPDX-License-Identifier: Apache-2.0
"""Stands before VERA's own package; what is not here comes from the checkout VERA_UPSTREAM."""

import os

if "VERA_UPSTREAM" in os.environ:
    __path__.append(os.path.join(os.environ["VERA_UPSTREAM"], "vera"))
