# SPDX-License-Identifier: Apache-2.0
"""What the server's numbers mean: scale, range, gripper; nothing broken is played."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vera_ros.embodiments import EMBODIMENTS
from vera_ros.errors import MotionError
from vera_ros.policy.actions import ActionConvention, interpret_actions

from ..motion.chunks import ACTION_SCALE, Vector

MIMICGEN, DROID, ALLEGRO = (EMBODIMENTS[name] for name in ("mimicgen", "droid", "allegro"))
CONVENTION = ActionConvention(columns=7, gripper_column=6)
ROWS = st.integers(1, 16).flatmap(
    lambda count: hnp.arrays(np.float32, (count, 7), elements=st.floats(-3, 3, width=32))
)


@given(actions=ROWS)
def test_mimicgen_rows_are_clipped_scaled_and_counted(actions: Vector) -> None:
    commands = interpret_actions(actions, MIMICGEN, CONVENTION)
    poses = actions[:, :6].astype(float)
    np.testing.assert_allclose(commands.poses, np.clip(poses, -1, 1) * ACTION_SCALE)
    assert commands.clipped_rows == (np.abs(poses) > 1).any(axis=1).sum()
    assert commands.gripper is not None
    np.testing.assert_array_equal(commands.gripper, actions[:, 6] > 0.5)


@pytest.mark.parametrize(
    ("raw", "close"), [(-1.0, False), (0.0, False), (0.5, False), (0.51, True), (1.0, True)]
)
def test_gripper_closes_above_a_half(raw: float, close: bool) -> None:
    row = np.zeros((1, 7))
    row[0, 6] = raw
    commands = interpret_actions(row, MIMICGEN, CONVENTION)
    assert commands.gripper is not None
    assert commands.gripper.tolist() == [close]
    assert commands.clipped_rows == 0


@given(actions=ROWS, column=st.integers(0, 6))
def test_gripper_column_may_be_anywhere(actions: Vector, column: int) -> None:
    commands = interpret_actions(actions, DROID, ActionConvention(columns=7, gripper_column=column))
    assert commands.gripper is not None
    np.testing.assert_array_equal(commands.gripper, actions[:, column] > 0.5)
    np.testing.assert_array_equal(commands.poses, np.delete(actions, column, axis=1))


@given(actions=ROWS)
def test_numbers_that_are_not_metric_are_scaled_but_for_the_gripper(actions: Vector) -> None:
    scale = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 100.0)
    convention = replace(CONVENTION, already_metric=False, abs_scale=scale)
    commands = interpret_actions(actions, DROID, convention)
    np.testing.assert_allclose(commands.poses, actions[:, :6].astype(float) * scale[:6])
    assert commands.gripper is not None
    np.testing.assert_array_equal(commands.gripper, actions[:, 6] > 0.5)


@given(actions=ROWS)
def test_metric_numbers_are_taken_as_they_are(actions: Vector) -> None:
    convention = replace(CONVENTION, already_metric=True, abs_scale=(9.0,) * 7)
    np.testing.assert_array_equal(
        interpret_actions(actions, DROID, convention).poses, actions[:, :6]
    )


@given(
    actions=hnp.arrays(np.float32, (2, 2), elements=st.floats(-20, 20, width=32)),
    metric=st.booleans(),
)
def test_pusht_is_25_px_per_s_whatever_scale_the_checkpoint_names(
    actions: Vector, metric: bool
) -> None:
    convention = ActionConvention(2, None, already_metric=metric, abs_scale=(0.0549, 0.0567))
    commands = interpret_actions(actions, EMBODIMENTS["pusht"], convention)
    np.testing.assert_allclose(commands.poses, 25.0 * actions.astype(float))
    assert commands.gripper is None


def test_scale_of_another_length_is_refused() -> None:
    """It was left out without a word, and the arm would have moved by unscaled numbers."""
    convention = replace(CONVENTION, already_metric=False, abs_scale=(0.1,) * 6)
    with pytest.raises(MotionError, match="action_abs_scale has 6"):
        interpret_actions(np.zeros((1, 7)), DROID, convention)


@given(
    actions=ROWS,
    bad=st.sampled_from([np.nan, np.inf, -np.inf]),
    column=st.integers(0, 6),
    data=st.data(),
)
def test_rows_that_are_not_finite_are_refused(
    actions: Vector, bad: float, column: int, data: st.DataObject
) -> None:
    row = data.draw(st.integers(0, len(actions) - 1))
    actions[row, column] = bad
    with pytest.raises(MotionError, match=f"row {row} .*not finite"):
        interpret_actions(actions, MIMICGEN, CONVENTION)


@pytest.mark.parametrize("shape", [(0, 7), (3, 6), (3, 8), (7,), (1, 3, 7), ()])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(MotionError, match="shape"):
        interpret_actions(np.zeros(shape), MIMICGEN, CONVENTION)


@pytest.mark.parametrize("columns", [5, 10])
def test_pose_columns_that_are_no_delta_are_refused(columns: int) -> None:
    """Their scale was applied first, and failed as a matter of shapes."""
    with pytest.raises(MotionError, match="pose columns"):
        interpret_actions(np.zeros((2, columns)), MIMICGEN, ActionConvention(columns, columns - 1))


def test_joint_targets_have_no_gripper() -> None:
    actions = np.random.default_rng(0).uniform(-1, 1, (5, 16))
    commands = interpret_actions(actions, ALLEGRO, ActionConvention(16, None))
    assert commands.gripper is None
    np.testing.assert_array_equal(commands.poses, actions)
