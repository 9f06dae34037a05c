# SPDX-License-Identifier: Apache-2.0
"""The film of a demo: pictures with captions, recorded and encoded."""
