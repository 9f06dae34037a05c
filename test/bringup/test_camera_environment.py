# SPDX-License-Identifier: Apache-2.0
"""What `ros2 run vera_ros camera_environment` prints, a shell can take."""

import subprocess
import sys
from pathlib import Path


def test_a_shell_takes_the_profile_under_both_of_its_names() -> None:
    program = f"{sys.executable} -m vera_ros.bringup.camera_environment"
    shown = '; echo "$FASTRTPS_DEFAULT_PROFILES_FILE"; echo "$FASTDDS_DEFAULT_PROFILES_FILE"'
    done = subprocess.run(
        ["sh", "-c", f'eval "$({program})"{shown}'], capture_output=True, text=True, check=True
    )
    older, newer = done.stdout.split()
    assert older == newer
    assert "<profiles" in Path(older).read_text()
