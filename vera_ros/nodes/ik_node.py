# SPDX-License-Identifier: Apache-2.0
"""ik_node: action chunks in, joint trajectories out. The only node that moves the arm."""

from typing import Any, NoReturn

from diagnostic_msgs.msg import DiagnosticStatus

from vera_ros.motion.causes import Cause, Reason
from vera_ros.motion.execution.supervisor import HELD
from vera_ros.motion.observation.arm_observation import ArmObservation
from vera_ros.nodes.common.arm_identity import identity
from vera_ros.nodes.common.health import Health
from vera_ros.nodes.common.lifecycle_node import STEADY, VeraNode
from vera_ros.nodes.common.node_process import run_node
from vera_ros.nodes.common.suspend_detector import SuspendDetector
from vera_ros.nodes.ik.arm_control import ArmControl, unconfigured
from vera_ros.nodes.ik.chunk_receiver import ChunkReceiver
from vera_ros.nodes.ik.kept_hold import KeptHold
from vera_ros.nodes.ik.operator_services import OperatorServices
from vera_ros.nodes.ik.reports.arm_status import ArmStatusTopic, arm_status
from vera_ros.nodes.ik.reports.health import arm_health
from vera_ros.nodes.ik.sensing.rivals import Rivals
from vera_ros.nodes.ik.setup.description import Description
from vera_ros.nodes.ik.setup.parameters import PARAMETERS

SETUP = "it is being set up (the first start compiles for some 15 s), or waits to be configured"


class IkNode(VeraNode):
    """Turns chunks into trajectories and watches the arm play them (see Supervisor).

    What the constructor creates exists in every lifecycle state: a hold must always be received,
    and clients that wait for a response when the node is cleaned up must get one. ArmControl has
    the rest.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("ik_node", PARAMETERS, **options)
        p = self.parameters
        self._description = Description(self)
        self._control: ArmControl | None = None
        self._suspension = SuspendDetector()
        self._identity = identity(self)
        self._rivals = Rivals(self, self._identity, described=self._description.by_topic)
        self._hold = KeptHold(self, p["hold_file"], self._identity)
        self._status = ArmStatusTopic(self)
        self._chunks = ChunkReceiver(self, self._identity, self._say_status)
        self._operator = OperatorServices(
            self, lambda: self._control, self._chunks, self._hold, self._say_status
        )
        self._say_status()
        self.create_timer(1.0 / p["arm_status_rate_hz"], self._repeat_status, clock=STEADY)

    def waiting_for(self) -> str:
        """Return what is missing: the robot's description may come by topic."""
        return self._description.waiting_for()

    def setup(self) -> None:
        """Build the arm's model, the planner, the gate and the watchdogs."""
        self._say_status()  # nothing more is published while this compiles
        operator, urdf = self._operator, self._description.use()
        self._control = ArmControl(
            self, urdf, self._hold, self._rivals, operator.at_rest, operator.arrived
        )
        self._chunks.subscribe(self._control)
        self.create_timer(1.0 / self.parameters["monitor_rate_hz"], self._monitor, clock=STEADY)

    def start(self) -> None:
        """Accept chunks; a hold stays latched."""
        assert self._control is not None
        self._control.supervisor.doubt()  # other programs may have moved the arm meanwhile
        if self._hold.held:
            self.get_logger().warning(HELD)

    def stop(self) -> None:
        """Bring the arm to rest."""
        words = "the node is being deactivated"
        if self._control is not None:
            self._control.stop(Reason(Cause.STOPPED, words))
        self._say_status()
        self._operator.at_rest.give(False, f"{words}; the arm comes to rest by itself")

    def teardown(self) -> None:
        """Release the arm; a hold stays latched."""
        self._operator.give_up("the node is being cleaned up")
        self._description.release()
        if self._control is not None:
            self._control.close()
            self._control = None
        self._chunks.tick()
        self._say_status()

    def destroy_node(self) -> None:
        """End the node's threads, then destroy it."""
        self._chunks.close()
        self._hold.close()
        super().destroy_node()

    # Observation and status.

    def _sense(self) -> ArmObservation:
        return unconfigured() if self._control is None else self._control.sense()

    def _monitor(self) -> None:
        self._chunks.tick()
        if self._control is None or self._suspension.was_suspended():
            return
        self._control.tick()
        self._say_status()

    def _repeat_status(self) -> None:
        if self._control is None:  # what it waits for may have come
            self._say_status()
        self._status.repeat()

    def _say_status(self) -> None:
        observation, control = self._sense(), self._control
        supervisor = None if control is None else control.supervisor
        status = arm_status(supervisor, observation, self._hold.held)
        if control is None:
            status.message = f"waiting for {waiting}" if (waiting := self.waiting_for()) else SETUP
        warnings = [] if control is None else control.warnings.of(observation)
        warnings = [*warnings, *self._description.warnings(), *self._hold.warnings]
        status.arm, status.warnings = self._identity, warnings
        # The parameter may change while the node runs.
        status.approval = bool(self.get_parameter("approval").value)
        status.dry_run = self.parameters["dry_run"]
        if control is not None:
            status.lead_s, status.late_trajectories = control.lead.value_s, control.lead.late
            status.clock_offset_s = round(control.sensing.reader.offset_s(), 2)
        self._status.say(status)

    def health(self) -> Health:
        """Report joint states, plans and their outcomes."""
        control = self._control
        if control is None:
            return Health(DiagnosticStatus.WARN, "not configured", {"held": self._hold.held})
        settings = {
            "arm": self._identity,
            "held": self._hold.held,
            "approval": bool(self.get_parameter("approval").value),
            "dry_run": self.parameters["dry_run"],
        }
        unrest = control.supervisor.stops.unrest
        error = Reason(Cause.NOT_AT_REST, unrest) if unrest else self._rivals.fault()
        return arm_health(control, error, self._warning(control), settings, self._chunks.for_others)

    def _warning(self, control: ArmControl) -> Reason | None:
        if self._hold.warnings or self._hold.held:
            return Reason(Cause.HELD, "; ".join(self._hold.warnings) or HELD)
        return control.sensing.no_controller() or control.sensing.fault()


def main() -> NoReturn:
    """Entry point."""
    run_node(IkNode)


if __name__ == "__main__":
    main()
