# SPDX-License-Identifier: Apache-2.0
"""The kinds of faults: what each does, how hard it may be, and whether an episode can go on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from vera_ros.errors import ConfigurationError

Value = float | str

WIRE, VIEWS, JOINTS, PROCESS, SERVICE = "wire", "views", "joints", "process", "service"
NODES = ("policy_node", "ik_node", "reference_server", "sim_node")


@dataclass(frozen=True)
class Kind:
    """One kind of fault.

    Attributes:
        name: of the kind.
        layer: where it strikes.
        ranges: of the numbers that a fault of this kind has.
        choices: of the words that it has.
        survived_s: an episode can go on where `duration_s` is not above this; infinite: always.
        restarted: an episode can go on after a lost connection, where policy_node restarts it.
        silent: a healthy system need not say anything of it, as long as the episode goes on.
        drastic: only a chunk that was played to its end shows that all is well again.
    """

    name: str
    layer: str
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    survived_s: float = 0.0
    restarted: bool = False
    silent: bool = False
    drastic: bool = False


@dataclass(frozen=True)
class Fault:
    """One fault that is to strike.

    Attributes:
        number: from 0, in the order of the run.
        kind: a name among `KINDS`.
        values: numbers and words of the kind.
        phase_s: how long after the arm began to play it strikes.
    """

    number: int
    kind: str
    values: Mapping[str, Value] = field(default_factory=dict)
    phase_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """How long it lasts; 0: a moment."""
        return float(self.values.get("duration_s", 0.0))

    def can_go_on(self, *, restarts: bool) -> bool:
        """Whether an episode can go on.

        Args:
            restarts: policy_node restarts an episode after a lost connection.
        """
        kind = KINDS[self.kind]
        if kind.survived_s == math.inf or (kind.restarted and restarts):
            return True
        return 0.0 < self.duration_s <= kind.survived_s


_BRIEF = (0.3, 1.2)
_DELAY = {"delay_s": (0.12, 0.4)}
_VIEW = {"view": ("agentview", "robot0_eye_in_hand", "both")}
_ANY = math.inf
# Short of what the nodes bear with, by their parameters, before an episode ends.
_VIEWS_WAIT_S = 0.8  # view_stall_s
_JOINTS_WAIT_S = 0.25  # joint_state_timeout_s
_SERVER_WAITS_S = 2.5  # infer_timeout_s


def _lasting(low: float = _BRIEF[0], high: float = _BRIEF[1]) -> dict[str, tuple[float, float]]:
    return {"duration_s": (low, high)}


_ALL = (
    # Between policy_node and the policy server.
    Kind("latency", WIRE, {"delay_s": (0.2, 1.0), **_lasting()}, survived_s=_ANY, silent=True),
    Kind("jitter", WIRE, {"delay_s": (0.05, 0.3), **_lasting()}, survived_s=_ANY, silent=True),
    Kind("cut", WIRE, restarted=True),
    Kind("half_open", WIRE, _lasting(0.3, 4.0), survived_s=_SERVER_WAITS_S, restarted=True),
    Kind("garbage", WIRE, {"bytes": (1, 4096)}),
    Kind("truncated", WIRE, {"share": (0.05, 0.95)}),
    Kind("torn", WIRE, {"share": (0.05, 0.95)}, restarted=True),
    Kind("oversized", WIRE),
    Kind("nan_actions", WIRE, choices={"value": ("nan", "inf", "-inf")}),
    Kind("wrong_shape", WIRE, choices={"shape": ("columns", "flat", "empty")}),
    Kind("error_text", WIRE, restarted=True),
    Kind("refused", WIRE, _lasting(0.2, 1.0), restarted=True),
    Kind("other_robot", WIRE),
    Kind("swapped_views", WIRE, silent=True),
    Kind("intruder", WIRE),
    # Between the cameras and policy_node.
    Kind("view_frozen", VIEWS, _lasting(), _VIEW, _VIEWS_WAIT_S),
    Kind("view_still", VIEWS, _lasting(), _VIEW, _ANY, silent=True),
    Kind("view_late", VIEWS, {**_DELAY, **_lasting()}, _VIEW, _VIEWS_WAIT_S),
    Kind("view_duplicated", VIEWS, _lasting(), _VIEW, _ANY),
    Kind("view_reordered", VIEWS, _lasting(), _VIEW, _ANY),
    Kind("view_dropped", VIEWS, _lasting(0.3, 2.0), _VIEW, _VIEWS_WAIT_S),
    Kind("view_wrong_size", VIEWS, _lasting(), _VIEW),
    Kind("view_wrong_encoding", VIEWS, _lasting(), _VIEW),
    # Between the arm's sensors and everybody.
    Kind("joints_frozen", JOINTS, _lasting(0.1, 1.0), survived_s=_JOINTS_WAIT_S, silent=True),
    Kind("joints_stale", JOINTS, _lasting(0.1, 1.0), survived_s=_JOINTS_WAIT_S, silent=True),
    Kind("joints_late", JOINTS, {"delay_s": (0.02, 0.3), **_lasting()}, silent=True),
    Kind("joints_dropped", JOINTS, _lasting(0.1, 1.0), survived_s=_JOINTS_WAIT_S, silent=True),
    Kind("joints_nan", JOINTS, _lasting(0.1, 1.0), survived_s=_JOINTS_WAIT_S),
    Kind("joints_missing", JOINTS, _lasting(0.1, 1.0), survived_s=_JOINTS_WAIT_S),
    Kind("joints_swapped", JOINTS, _lasting(0.1, 1.0), survived_s=_ANY, silent=True),
    # Processes: killed and started again, or stopped for a while.
    *(
        Kind(f"kill_{node}", PROCESS, restarted=node == "reference_server", drastic=True)
        for node in NODES
    ),
    Kind("freeze_policy_node", PROCESS, _lasting(0.2, 2.0), survived_s=_VIEWS_WAIT_S, silent=True),
    Kind("freeze_ik_node", PROCESS, _lasting(0.2, 2.0), survived_s=_JOINTS_WAIT_S, silent=True),
    Kind("freeze_reference_server", PROCESS, _lasting(0.2, 2.0), survived_s=_ANY, silent=True),
    Kind("freeze_sim_node", PROCESS, _lasting(0.2, 2.0), survived_s=_JOINTS_WAIT_S, silent=True),
    # What a person or a supervisor asks for.
    Kind("hold", SERVICE, _lasting(0.2, 1.0)),
    Kind("stop", SERVICE, silent=True),  # which an arm at rest does not notice
    Kind("cancel", SERVICE),
    Kind("deactivate_policy_node", SERVICE),
    Kind("deactivate_ik_node", SERVICE),
    Kind("pause", SERVICE, _lasting(0.2, 1.0), survived_s=_ANY),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}


def find_kind(name: str) -> Kind:
    """The kind of this name.

    Raises:
        ConfigurationError: there is none.
    """
    if name not in KINDS:
        raise ConfigurationError(f"there is no fault '{name}'; valid are {', '.join(KINDS)}")
    return KINDS[name]
