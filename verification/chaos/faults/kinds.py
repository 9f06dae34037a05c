# SPDX-License-Identifier: Apache-2.0
"""The kinds of faults: how hard each may be, what names it, and whether an episode can go on.

What a kind does is elsewhere, by its layer:

    WIRE               faults/answers.py and proxies/proxy.py, between client and server
    VIEWS, JOINTS      faults/streams.py, on the messages that pass proxies/relay.py
    LINKS              faults/clocks.py and proxies/relay.py: clocks, delays, other publishers
    PROCESS, SERVICE   system/injector.py
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from vera_ros.errors import ConfigurationError
from verification.chaos.faults.kind import (
    ALWAYS,
    FIRST,
    JOINTS,
    LAST,
    LINKS,
    PROCESS,
    SERVICE,
    VIEWS,
    WIRE,
    Kind,
    Value,
)

ENCODER_RAD = 2.0 * math.pi / 2**20  # one increment

_BRIEF = (0.3, 1.2)
_DELAY = {"delay_s": (0.12, 0.4)}
_VIEW = {"view": (FIRST, LAST, "all")}
# Short of what the nodes bear with, by their parameters, before an episode ends.
_VIEWS_WAIT_S = 0.8  # view_stall_s
_BAD_VIEWS_WAIT_S = 0.4  # bad_picture_share
_JOINTS_WAIT_S = 0.25  # joint_state_timeout_s
_OUTLIERS_BORNE_S = 0.12  # an arm off its plan is not believed for so long
_REACH_RAD = 0.03  # a joint's fastest from one sample to the next, and 5 mrad
_LATE_UNSEEN_S = 0.05  # a trajectory that is so late makes a step too small to be noticed
_CLOCKS_BORNE_S = 0.05
_PAUSE_UNSEEN_S = 0.5
_SLOW_NETWORK_S = 0.5  # chunk_max_delay_s
# From then on it must be said that there are none: joint_state_timeout_s, and a look or two.
_JOINTS_SAID_S = 0.6

# What names a fault, for kinds that are noticed alike.
_SLOW = ("late_chunks", "holds", "inferring", "server_slow", "server_timeout")
_LOST = ("connection_lost", "reconnects", "no_server", "connecting")
_NO_VIEW = (
    "views_stale",
    "views_missing",
    "views_skewed",
    "frames_dropped",
    "ticks_skipped",
    "waiting_for_views",
    "view_slow",
)
_NO_JOINTS = "no_joint_states"
# Joint states that repeat themselves contradict their own velocities, and then jump. Those that do
# so while a motion begins look as if its trajectory had come late.
_WRONG_JOINTS = (
    *("joints_frozen", "tracking_error", "outliers", "late_trajectories", "commands_late"),
    _NO_JOINTS,
)
# Delay of joint states counts as a clock that is behind.
_BEHIND = ("clocks_differ", "clock_offset_s")
_BAD_JOINTS = ("bad_joint_states", _NO_JOINTS)


def _lasting(low: float = _BRIEF[0], high: float = _BRIEF[1]) -> dict[str, tuple[float, float]]:
    return {"duration_s": (low, high)}


def _on_the_wire() -> Iterator[Kind]:
    """Between policy_node and the policy server."""
    borne: Any = {"survived_s": ALWAYS, "absorbed_s": ALWAYS}
    yield Kind("latency", WIRE, _SLOW, {"delay_s": (0.2, 1.0), **_lasting()}, **borne)
    yield Kind("jitter", WIRE, _SLOW, {"delay_s": (0.05, 0.3), **_lasting()}, **borne)
    yield Kind("cut", WIRE, _LOST, survived_s=ALWAYS)
    yield Kind("half_open", WIRE, (*_SLOW, *_LOST), _lasting(0.3, 4.0), **borne)
    yield Kind("garbage", WIRE, ("protocol_error",), {"bytes": (1, 4096)})
    yield Kind("truncated", WIRE, ("protocol_error",), {"share": (0.05, 0.95)})
    yield Kind("torn", WIRE, _LOST, {"share": (0.05, 0.95)}, survived_s=ALWAYS)
    yield Kind("oversized", WIRE, ("protocol_error",))
    values = {"value": ("nan", "inf", "-inf")}
    yield Kind("nan_actions", WIRE, ("invalid_actions",), choices=values)
    shapes = {"shape": ("columns", "flat", "empty")}
    yield Kind("wrong_shape", WIRE, ("protocol_error",), choices=shapes)
    yield Kind("error_text", WIRE, ("server_error", "reconnects"), survived_s=ALWAYS)
    yield Kind("refused", WIRE, _LOST, _lasting(0.2, 1.0), survived_s=ALWAYS)
    yield Kind("other_robot", WIRE, ("server_mismatch",))
    # The next episode takes the views in any order: then the break before it is all there is.
    yield Kind("swapped_views", WIRE, ("server_mismatch", *_LOST))
    yield Kind("intruder", WIRE, ("server_shared",))


def _of_views() -> Iterator[Kind]:
    """Between the cameras and policy_node."""
    waits: Any = {"survived_s": _VIEWS_WAIT_S, "absorbed_s": _VIEWS_WAIT_S}
    yield Kind("view_frozen", VIEWS, _NO_VIEW, _lasting(), _VIEW, **waits)
    yield Kind("view_still", VIEWS, _NO_VIEW, _lasting(), _VIEW, ALWAYS, ALWAYS)
    yield Kind("view_late", VIEWS, _NO_VIEW, {**_DELAY, **_lasting()}, _VIEW, **waits)
    yield Kind("view_duplicated", VIEWS, ("frames_dropped",), _lasting(), _VIEW, ALWAYS)
    yield Kind("view_reordered", VIEWS, ("frames_dropped",), _lasting(), _VIEW, ALWAYS)
    yield Kind("view_dropped", VIEWS, _NO_VIEW, _lasting(0.3, 2.0), _VIEW, **waits)
    bad = ("image_error", "bad_pictures", *_NO_VIEW)
    yield Kind("view_wrong_size", VIEWS, bad, _lasting(), _VIEW, _BAD_VIEWS_WAIT_S)
    yield Kind("view_wrong_encoding", VIEWS, bad, _lasting(), _VIEW, _BAD_VIEWS_WAIT_S)


def _of_joints() -> Iterator[Kind]:
    """Between the arm's sensors and the nodes."""
    while_s = _lasting(0.1, 1.0)
    waits: Any = {"survived_s": _JOINTS_WAIT_S}
    said: Any = {"absorbed_s": _JOINTS_SAID_S}
    # An arm at rest has the same positions again and again.
    yield Kind("joints_frozen", JOINTS, _WRONG_JOINTS, while_s, **waits, absorbed_s=ALWAYS)
    yield Kind("joints_stale", JOINTS, _WRONG_JOINTS, while_s, **waits, **said)
    # Also for longer than joint states may be old.
    late = {"delay_s": (0.05, 1.2), **_lasting()}
    yield Kind("joints_late", JOINTS, (*_WRONG_JOINTS, *_BAD_JOINTS, *_BEHIND), late, **said)
    yield Kind("joints_dropped", JOINTS, (_NO_JOINTS,), while_s, **waits, **said)
    yield Kind("joints_nan", JOINTS, _BAD_JOINTS, while_s, **waits)
    yield Kind("joints_missing", JOINTS, _BAD_JOINTS, while_s, **waits)
    swapped = (*_BAD_JOINTS, "outliers")
    yield Kind("joints_swapped", JOINTS, swapped, while_s, survived_s=ALWAYS, absorbed_s=ALWAYS)


def _of_wrong_joints() -> Iterator[Kind]:
    """Joint states that are finite, and wrong; times are the driver's."""
    where = {"joint": (*(str(number) for number in range(1, 8)), "all"), "sign": ("+", "-")}
    joint_states: Any = {"absorbed_s": ALWAYS}
    yield Kind(
        "joints_outlier",
        JOINTS,
        ("outliers", *_BAD_JOINTS),
        {"off_rad": (1e-3, 3.0), "samples": (1.0, 10.0), **_lasting(0.05, 0.6)},
        {"what": ("jump", "stuck_bit", "degrees"), **where},
        survived_s=_OUTLIERS_BORNE_S,
        slight=_within_reach,
        **joint_states,
    )
    off = ("outliers", "tracking_error", "setpoint_unknown")
    offset = {"off_rad": (0.005, 0.05), **_lasting(0.3, 3.0)}
    onset = {"onset": ("step", "ramp")}
    yield Kind("joints_offset", JOINTS, (*off, *_BAD_JOINTS), offset, where | onset, **joint_states)
    # Then nothing, or stops, which an arm that stands must not be walked by.
    false = {"speed_rad_s": (0.2, 0.8), **_lasting(0.4, 2.0)}
    then = {"then": ("nothing", "stop"), **where}
    contradicted = ("outliers", "not_at_rest", "tracking_error", _NO_JOINTS)
    yield Kind("velocity_false", JOINTS, contradicted, false, then, **joint_states)
    another = {"off_rad": (0.05, 0.8), **_lasting(1.0, 3.0)}
    yield Kind("second_publisher", JOINTS, ("second_publisher",), another, where)


def _of_links() -> Iterator[Kind]:
    """Between the machines: their clocks, and the way to the controller."""
    late = ("late_trajectories", "commands_late")
    yield Kind(
        "late_delivery",
        LINKS,
        late,
        {"delay_s": (0.005, 0.4), **_lasting(0.5, 3.0)},
        absorbed_s=_LATE_UNSEEN_S,
        delays=True,
    )
    yield Kind(
        "clock_skew",
        LINKS,
        (
            *("clocks_differ", "clock_offset_s", "clock_jumped", "chunk_too_old", *late),
            *("late_chunks", "steps_dropped", *_BAD_JOINTS),
        ),
        {"offset_s": (0.02, 1.0), **_lasting(1.2, 4.0)},
        {
            "machine": ("ik_node", "policy_node", "controller"),
            "sign": ("ahead", "behind"),
            "course": ("step", "steps", "drift"),
        },
        absorbed_s=ALWAYS,
        slight=_bearable_skew,
    )


def stuck_bit(off_rad: float) -> int:
    """Return the number of the encoder's bit that is worth about as much as an error."""
    return max(0, round(math.log2(off_rad / ENCODER_RAD)))


def _within_reach(values: Mapping[str, Value]) -> bool:
    """Whether a joint can have moved so far from one sample to the next."""
    off_rad = float(values["off_rad"])
    if values["what"] == "stuck_bit":
        off_rad = 2 ** stuck_bit(off_rad) * ENCODER_RAD
    return values["what"] != "degrees" and off_rad <= _REACH_RAD


def _bearable_skew(values: Mapping[str, Value]) -> bool:
    """Whether clocks may differ so; chunks from the past could as well come by a slow network.

    policy_node's clock matters when a chunk is sent, and may be right just then.
    """
    if values["machine"] == "policy_node" and values["course"] != "step":
        return True
    slow = values["machine"] == "policy_node" and values["sign"] == "behind"
    return float(values["offset_s"]) <= (_SLOW_NETWORK_S if slow else _CLOCKS_BORNE_S)


def _of_processes() -> Iterator[Kind]:
    """Killed and started again, or stopped for a while."""
    arm_gone = ("arm_silent", _NO_JOINTS)
    no_sim = (_NO_JOINTS, "no_controller")
    yield Kind("kill_policy_node", PROCESS, ("episode_forgotten",), kills=True)
    anew = ("inactive", "no_controller")
    yield Kind("kill_ik_node", PROCESS, arm_gone, kills=True, named_anew=anew)
    # Where an episode began while the views were swapped, the next server is another one.
    lost = (*_LOST, "server_mismatch")
    yield Kind("kill_reference_server", PROCESS, lost, survived_s=ALWAYS, kills=True)
    yield Kind("kill_sim_node", PROCESS, (*no_sim, *_NO_VIEW), kills=True)
    while_s = _lasting(0.2, 2.0)
    yield Kind("freeze_policy_node", PROCESS, _NO_VIEW, while_s, {}, _VIEWS_WAIT_S, ALWAYS)
    # Joint states that waited for it come at once, as from a clock that was set.
    asleep = (*arm_gone, "chunk_too_old", "clocks_differ")
    yield Kind("freeze_ik_node", PROCESS, asleep, while_s, {}, _JOINTS_WAIT_S, ALWAYS)
    yield Kind("freeze_reference_server", PROCESS, (*_SLOW, *_LOST), while_s, {}, ALWAYS, ALWAYS)
    still = (_NO_JOINTS, *_NO_VIEW)
    yield Kind("freeze_sim_node", PROCESS, still, while_s, {}, _JOINTS_WAIT_S, _JOINTS_SAID_S)


def _by_people() -> Iterator[Kind]:
    """What a person or a supervisor asks for."""
    yield Kind("hold", SERVICE, ("held",), _lasting(0.2, 1.0))
    # An arm at rest ignores it; a chunk that was sent before it and arrives after it is refused.
    yield Kind("stop", SERVICE, ("stopped", "chunk_too_old"), absorbed_s=ALWAYS)
    yield Kind("cancel", SERVICE, ("cancel_requested",))
    yield Kind("deactivate_policy_node", SERVICE, ("deactivated",))
    inactive = ("inactive", "not_active")
    yield Kind("deactivate_ik_node", SERVICE, inactive)
    # One that is over while a chunk plays or is asked for stops nothing.
    pause: Any = {"survived_s": ALWAYS, "absorbed_s": _PAUSE_UNSEEN_S}
    yield Kind("pause", SERVICE, ("paused",), _lasting(0.2, 1.0), **pause)


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kinds in (
        *(_on_the_wire, _of_views, _of_joints, _of_wrong_joints, _of_links),
        *(_of_processes, _by_people),
    )
    for kind in kinds()
}


def find_kind(name: str) -> Kind:
    """The kind of this name.

    Raises:
        ConfigurationError: there is none.
    """
    if name not in KINDS:
        raise ConfigurationError(f"there is no fault '{name}'; valid are {', '.join(KINDS)}")
    return KINDS[name]
