# SPDX-License-Identifier: Apache-2.0
"""Ways to a policy server: addresses, websockets, TLS, retries, and what can go wrong with them."""
