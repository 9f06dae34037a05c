# SPDX-License-Identifier: Apache-2.0
"""The grippers that a flange carries in the stacking scene. Standard library only."""

from dataclasses import dataclass

MOUNT = "panda_link8"  # carries a hand: a flange, with z out of the arm


@dataclass(frozen=True)
class Hand:
    """A gripper in simulation. Its joints are in m if they slide, in rad if they turn.

    Attributes:
        urdf: a file in description/urdf/, in which MOUNT carries it.
        mjcf: a file in description/mjcf/ that has it, too.
        bodies: its bodies there, the one that the flange carries first.
        mount_z_m: height of the flange along z of the body that carries the first one there [m]:
            0.107 on the Panda's last link, 0 on a bare flange.
        joints: the driven joints, of which the first is commanded; all of them are published.
        start: their position at the begin of an episode.
        opened: their position when open.
        closed: their position when closed.
        speed: of its joints [m/s or rad/s].
    """

    urdf: str
    mjcf: str
    bodies: tuple[str, ...]
    mount_z_m: float
    joints: tuple[str, ...]
    start: float
    opened: float
    closed: float
    speed: float


PANDA_HAND = Hand(
    urdf="panda.urdf",
    mjcf="panda.xml",
    bodies=("panda_hand", "panda_leftfinger", "panda_rightfinger"),
    mount_z_m=0.107,
    joints=("panda_finger_joint1", "panda_finger_joint2"),
    start=0.020833,
    opened=0.04,
    closed=0.0,
    speed=0.1,  # the training environment's gripper: a stroke of 0.04 m takes 0.4 s
)

ROBOTIQ_2F_85 = Hand(
    urdf="robotiq_2f_85.urdf",
    mjcf="robotiq_2f_85.xml",
    bodies=(
        "robotiq_85_base_link",
        *(
            f"robotiq_85_{side}_{part}_link"
            for side in ("left", "right")
            for part in ("knuckle", "finger_tip", "inner_knuckle")
        ),
    ),
    mount_z_m=0.0,
    joints=("robotiq_85_left_knuckle_joint",),
    start=0.0,
    opened=0.0,
    closed=0.8,
    speed=1.4,  # its fastest: 150 mm/s between the pads
)
