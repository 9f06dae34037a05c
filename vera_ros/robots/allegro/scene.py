# SPDX-License-Identifier: Apache-2.0
"""The hand and its two balls as a MuJoCo model: made from the hand's URDF."""

from collections.abc import Iterable
from typing import Any

from vera_ros.resources import share_path
from vera_ros.robots.allegro.hand import BALL_RADIUS_M, COLOURS, JOINTS, URDF
from vera_ros.sim.cameras import Camera
from vera_ros.sim.gl import mujoco
from vera_ros.sim.mounting import mount_camera

STIFFNESS_NM_RAD = 4.0  # of the position servos
DAMPING_NMS_RAD = 0.18
_ARMATURE_KG_M2 = 0.002  # of the geared motors
_STEP_S = 0.002
_TOUCH_M = 0.0005  # a tip so near is in contact, without force
_HAND, _BALL = 1, 2  # bits of contact: balls touch the hand, and nothing else touches anything
_VISUAL_GROUP = 1
_COLOURS_RGBA = {"red": (0.85, 0.08, 0.08, 1.0), "blue": (0.08, 0.15, 0.85, 1.0)}
_BACKGROUND = (0.78, 0.79, 0.80)
# Without it, MuJoCo drops what is only to be seen, and welds the tips to the links before them.
_COMPILER = '<mujoco><compiler discardvisual="false" fusestatic="false"/></mujoco>'


def ball_name(colour: str) -> str:
    """Return the name of a ball's body, such as `red_ball`."""
    return f"{colour}_ball"


def load_model(cameras: Iterable[Camera] = ()) -> Any:
    """Return the compiled scene, a `mujoco.MjModel`; balls are mocap bodies in order of COLOURS.

    Args:
        cameras: that it gets, fixed to the palm; in the model they have the names of their topics.
    """
    urdf = share_path("description", "urdf", URDF).read_text()
    scene = mujoco.MjSpec.from_string(urdf.replace("</robot>", f"{_COMPILER}</robot>"))
    scene.option.timestep = _STEP_S
    scene.add_texture(
        name="background",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT,
        rgb1=_BACKGROUND,
        rgb2=_BACKGROUND,
        width=16,
        height=16,
    )
    light = scene.worldbody.add_light(pos=(0.3, 0.0, 0.6), dir=(-0.4, 0.0, -0.9))
    light.castshadow = False  # which take most of the time of rendering
    for body in scene.bodies:
        body.gravcomp = 1.0  # as the hand's own controller compensates for it
    for geom in scene.geoms:
        geom.contype, geom.conaffinity = (0, 0) if geom.group == _VISUAL_GROUP else (_HAND, _BALL)
    for name in JOINTS:
        scene.joint(name).armature = _ARMATURE_KG_M2
        servo = scene.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        servo.set_to_position(kp=STIFFNESS_NM_RAD, kv=DAMPING_NMS_RAD)
    for colour in COLOURS:
        scene.worldbody.add_body(name=ball_name(colour), mocap=True).add_geom(
            type=mujoco.mjtGeom.mjGEOM_SPHERE,
            size=(BALL_RADIUS_M, 0.0, 0.0),
            rgba=_COLOURS_RGBA[colour],
            contype=_BALL,
            conaffinity=_HAND,
            group=_VISUAL_GROUP,
            margin=_TOUCH_M,
            gap=_TOUCH_M,
        )
    for camera in cameras:
        mount_camera(scene, camera, camera.frame)
    return scene.compile()
