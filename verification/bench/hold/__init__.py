# SPDX-License-Identifier: Apache-2.0
"""`scripts/bench hold`: how soon an arm slows down and rests after a hold."""
