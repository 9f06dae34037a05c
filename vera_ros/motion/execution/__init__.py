# SPDX-License-Identifier: Apache-2.0
"""Executes motions: schedules chunks, dispatches trajectories, supervises, stops."""
