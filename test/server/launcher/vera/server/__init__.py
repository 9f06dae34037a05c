# SPDX-License-Identifier: Apache-2.0
"""As `vera`, see there."""

import os

if "VERA_UPSTREAM" in os.environ:
    __path__.append(os.path.join(os.environ["VERA_UPSTREAM"], "vera", "server"))
