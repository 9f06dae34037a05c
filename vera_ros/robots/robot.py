# SPDX-License-Identifier: Apache-2.0
"""What this package knows of one embodiment beyond its entry in the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from vera_ros.sim.cameras import Camera
from vera_ros.wire.hosted_policy import HostedPolicy

if TYPE_CHECKING:  # the launch files know robots, and their Python may lack NumPy
    from vera_ros.sim.simulation import Renderer, Simulation

Parameters = Mapping[str, Any]
NONE_GIVEN: Parameters = MappingProxyType({})


class PolicyMaker(Protocol):
    """Makes an embodiment's reference policy; imports what that needs when it is called."""

    def __call__(self, *, looks_ahead: bool = True) -> HostedPolicy:
        """Return a new policy.

        Args:
            looks_ahead: plan from where the pending actions of a request lead.
        """


@dataclass(frozen=True)
class Look:
    """How pictures are rendered.

    Attributes:
        height_px: of a picture, which is as wide as the embodiment's in proportion.
        multisamples: samples per pixel; 0: jagged edges.
        parameters: those of sim_node, of which a robot uses what concerns its scene.
    """

    height_px: int
    multisamples: int = 0
    parameters: Parameters = field(default_factory=dict)


class SimulationMaker(Protocol):
    """Makes an embodiment's simulated robot; imports what that needs when it is called."""

    def __call__(self, seed: int, parameters: Parameters = NONE_GIVEN) -> "Simulation":
        """Return a new simulated robot.

        Args:
            seed: of the first scene.
            parameters: those of sim_node, of which a robot uses what concerns it: all, or none for
                their defaults.
        """


def starts_open_loop(parameters: Parameters) -> bool:
    """Return whether trajectories start from the last command, not from the measured state."""
    return bool(parameters.get("controller_start", "open_loop") == "open_loop")


@dataclass(frozen=True)
class Task:
    """What an episode in simulation is about, and how its end is said.

    Attributes:
        noun: what is counted, such as `tower`.
        done: success in words, such as `the tower stands`.
        undone: failure in words, such as `no tower`.
        total: successes in words, after their number, such as `towers standing`.
        hold_s: how long success must last without interruption.
        time_limit_s: of an episode, simulated time.
        lockstep: whether time waits for the policy, unless something else is asked for.
    """

    noun: str
    done: str
    undone: str
    total: str
    hold_s: float = 0.3
    time_limit_s: float = 60.0
    lockstep: bool = False


@dataclass(frozen=True)
class Simulator:
    """How an embodiment is simulated.

    Attributes:
        hardware: what is simulated, in words.
        describe: returns its URDF, given the parameters of sim_node.
        controllers: names of its controllers, each with a topic of trajectories.
        make: makes the simulated robot.
        open_renderer: opens what renders its views, in the thread that will use it.
        other_arms: the parameter file in config/ that is read before an arm's, for one that takes
            the robot's place; empty: none is needed; None: no arm can.
    """

    hardware: str
    describe: Callable[[Parameters], str]
    controllers: tuple[str, ...]
    make: SimulationMaker
    open_renderer: "Callable[[Look], Renderer]"
    other_arms: str | None = None


@dataclass(frozen=True)
class Robot:
    """An embodiment in simulation, behind its reference policy.

    Attributes:
        config: the ROS parameter file in config/ with which sim_node simulates it.
        prompts: the tasks that its reference policy knows, in words; the scene of seed s poses
            number s modulo their count.
        vera_prompt: a task of the same kind in the words that VERA's policy was trained with.
        task: the task in simulation.
        make_policy: makes its reference policy.
        simulator: how it is simulated.
        cameras: cameras of its scene, by view key and in the order of the embodiment's views.
    """

    config: str
    prompts: tuple[str, ...]
    vera_prompt: str
    task: Task
    make_policy: PolicyMaker
    simulator: Simulator
    cameras: Mapping[str, Camera] = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        """The task of the first scene, in words."""
        return self.prompts[0]

    def prompt_of(self, seed: int) -> str:
        """Return the task that the scene of a seed poses, in words."""
        return self.prompts[seed % len(self.prompts)]

    @property
    def view_topics(self) -> dict[str, str]:
        """The base of each view's topics, such as `agentview`, by view key."""
        return {view: camera.topic for view, camera in self.cameras.items()}
