# SPDX-License-Identifier: Apache-2.0
"""The second arm of a description: named in the log, and placed by its joint states."""

import numpy as np
import pytest
from sensor_msgs.msg import JointState

from vera_ros.motion.collision.model import CollisionModel
from vera_ros.nodes.common.conversions import doubles
from vera_ros.nodes.ik.sensing import other_joints
from vera_ros.nodes.ik.sensing.other_joints import OtherJoints

from ....motion.descriptions import fr3_duo
from ...stage import Stage, urdf

RIGHT = tuple(f"right_fr3_joint{number}" for number in range(1, 8))
FINGER = "right_fr3_finger_joint1"
READY_Q = np.array([0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785])
TOWARDS_RIGHT, TOWARDS_LEFT = READY_Q.copy(), READY_Q.copy()
TOWARDS_RIGHT[:2], TOWARDS_LEFT[:2] = (-1.0, 0.215), (1.0, 0.215)


class Duo:
    """A collision model of the left arm, and publishers of the right one's joint states."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        stage.joints = False
        self.obstacles = CollisionModel(
            fr3_duo(),
            [f"left_fr3_joint{number}" for number in range(1, 8)],
            self_distance_m=0.01,
            table_z_m=None,
            table_distance_m=0.0,
            start_q=READY_Q,
        )
        self.others = OtherJoints(stage.node, self.obstacles)
        self._publisher = stage.node.create_publisher(JointState, "joint_states", 10)
        stage.wait_until(self._publisher.get_subscription_count, "discovery")

    def publish(self, names: tuple[str, ...], positions: list[float]) -> None:
        self._publisher.publish(JointState(name=names, position=doubles(np.array(positions))))

    def nearest(self) -> float:
        """Take what has arrived; how near the arms are."""
        self.others.update()
        return self.obstacles.clearance(TOWARDS_RIGHT).margin_m


@pytest.fixture
def duo(stage: Stage) -> Duo:
    return Duo(stage)


def test_the_second_arm_is_where_its_joint_states_have_it(duo: Duo) -> None:
    assert duo.nearest() > 0
    duo.publish((*RIGHT, FINGER), [*TOWARDS_LEFT.tolist(), 0.04])
    duo.stage.wait_until(lambda: duo.nearest() < 0, "the arms to meet")
    duo.publish(("left_fr3_joint1", "elsewhere"), [9.0, 9.0])
    duo.publish(RIGHT[:1], [float("nan")])  # no number is no position
    duo.publish(RIGHT[:2], [2.5, 0.0])  # away; the rest stays
    duo.stage.wait_until(lambda: duo.nearest() > 0, "the arm to go")


def test_joints_that_nobody_publishes_are_named_once_they_should_have_come(
    duo: Duo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_joints, "_SILENT_S", 1e6)
    assert duo.others.warnings() == []
    monkeypatch.setattr(other_joints, "_SILENT_S", 0.2)
    duo.publish(RIGHT, READY_Q.tolist())
    duo.stage.wait_until(lambda: duo.nearest() and duo.others.warnings(), "the warning")
    (never, *_) = duo.others.warnings()
    assert f"without {FINGER}, which robot_description has" in never
    assert "at zero" in never
    duo.stage.wait_until(lambda: len(duo.others.warnings()) == 2, "the silence")
    assert "right_fr3_joint7" in duo.others.warnings()[1]
    assert "where they were last" in duo.others.warnings()[1]

    def back() -> bool:
        duo.publish((*RIGHT, FINGER), [*READY_Q.tolist(), 0.0])
        return bool(duo.nearest()) and not duo.others.warnings()

    duo.stage.wait_until(back, "them to be back")


def test_an_arm_alone_asks_for_nothing(stage: Stage) -> None:
    alone = OtherJoints(stage.node, None)
    alone.update()
    assert (alone.names, alone.warnings()) == ((), [])


def test_the_node_says_that_a_second_arm_is_held_at_zero(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_joints, "_SILENT_S", 0.5)
    second = (
        "<link name='post'><collision><geometry><box size='0.1 0.1 0.1'/></geometry></collision>"
        "</link><joint name='lift' type='prismatic'><parent link='panda_link0'/>"
        "<child link='post'/><origin xyz='-0.5 0 0'/><axis xyz='0 0 1'/>"
        "<limit lower='0' upper='1' velocity='1' effort='1'/></joint></robot>"
    )
    stage.add_ready_ik(robot_description=urdf().replace("</robot>", second))
    stage.wait_until(
        lambda: any("without lift" in words for words in stage.arm_status[-1].warnings),
        "the warning",
    )
