#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command in the container's ROS environment.
set -eo pipefail
# shellcheck source=/dev/null
source /opt/vera_ros/install/setup.bash
exec "$@"
