# SPDX-License-Identifier: Apache-2.0
"""Chunk messages become chunk requests, or are refused with one message that says why."""

from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from vera_ros.embodiments import ActionSpace
from vera_ros.motion.causes import Cause, MotionRefusedError
from vera_ros.nodes.ik.chunk_messages import read_chunk
from vera_ros.nodes.ik.setup.action_columns import ActionColumns
from vera_ros_interfaces.msg import ActionChunk

POSE = ActionColumns(ActionSpace.EEF_DELTA, 6)
HAND = ActionColumns(ActionSpace.JOINT_DELTA, 16, of_joints=True)
PLANAR = ActionColumns(ActionSpace.PLANAR, 2, of_joints=True, per_px=1e-3 * np.eye(2))
KINDS = pytest.mark.parametrize("columns", [POSE, HAND, PLANAR], ids=["pose", "hand", "planar"])


def message(of: ActionColumns, rows: int = 3, **changes: Any) -> ActionChunk:
    values = np.linspace(-0.1, 0.1, rows * of.count)
    return ActionChunk(
        **{
            "sent": Time(sec=5),
            "session_id": "session",
            "embodiment": "kind",
            "action_space": of.space.value,
            "control_dt_s": 0.1,
            "horizon": rows,
            "columns": of.count,
            "actions": values.tolist(),
            **changes,
        }
    )


@KINDS
def test_rows_become_actions(columns: ActionColumns) -> None:
    chunk = read_chunk(message(columns), "kind", columns, "base")
    rows = np.linspace(-0.1, 0.1, 3 * columns.count).reshape(3, columns.count)
    expected = rows if columns is not PLANAR else rows * 0.1 * 1e-3
    np.testing.assert_allclose(chunk.actions, expected, atol=1e-15)
    assert chunk.sent_s == 5.0


@KINDS
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"embodiment": "other"}, "embodiment 'other'; valid is 'kind'"),
        ({"action_space": 9}, "action space 9; valid is"),
        ({"columns": 5}, "rows of 5 columns; valid is 1 to 4096 rows of"),
        ({"horizon": 0}, "for 0 rows"),
        ({"actions": [0.0]}, "1 values for 3 rows"),
        ({"actions": "nan"}, "values that are not finite"),
        ({"gripper": [1.0]}, "1 gripper values for 3 rows"),
        ({"control_dt_s": 2.0}, "control_dt_s 2.0"),
        ({"header": Header(frame_id="moon")}, "frame 'moon'; valid is 'base'"),
        ({"sent": Time()}, "no time at which it was sent"),
    ],
)
def test_what_does_not_fit_is_refused(
    columns: ActionColumns, changes: dict[str, Any], words: str
) -> None:
    if changes.get("actions") == "nan":
        changes = {"actions": [float("nan")] * 3 * columns.count}
    with pytest.raises(MotionRefusedError, match=words) as refusal:
        read_chunk(message(columns, **changes), "kind", columns, "base")
    assert refusal.value.cause is Cause.INVALID_CHUNK
    assert "nothing of it is played" in str(refusal.value)


def test_another_action_space_is_named() -> None:
    """Columns of joints on an arm that is set up for poses, say."""
    with pytest.raises(MotionRefusedError, match="action space JOINT_DELTA; valid is EEF_DELTA"):
        read_chunk(message(HAND), "kind", POSE, "base")
