# SPDX-License-Identifier: Apache-2.0
"""The service that swaps the models of the policy server between two episodes."""

from collections.abc import Callable

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future

from vera_ros.embodiments import Embodiment
from vera_ros.errors import ConfigurationError, ConnectionFailedError
from vera_ros.nodes.common.lifecycle_node import VeraNode
from vera_ros.nodes.policy.server_link import ServerLink
from vera_ros.wire.protocol.server_config import ServerConfig
from vera_ros.wire.provenance import describe_server
from vera_ros.wire.reloading import Reloaded
from vera_ros_interfaces.srv import ReloadServer

_FIELDS = ("embodiment", "algo_config", "dynamics_run_id", "sample_steps", "action_horizon")


class ServerReload:
    """The service `reload`, by which the policy server loads other models.

    Args:
        node: the rclpy node.
        link: the link to the server.
        embodiment: the embodiment that the server must serve.
        why_not: returns why the server cannot reload now; empty: it can.
        on_loaded: called with the server's configuration afterwards.
    """

    def __init__(
        self,
        node: VeraNode,
        link: ServerLink,
        embodiment: Embodiment,
        why_not: Callable[[], str],
        on_loaded: Callable[[ServerConfig], None],
    ) -> None:
        self._node = node
        self._link = link
        self._embodiment = embodiment
        self._why_not = why_not
        self._on_loaded = on_loaded
        self._answer: Future | None = None
        patient = ReentrantCallbackGroup()  # its service may wait without blocking others
        node.offer(ReloadServer, "reload", self._reload, callback_group=patient)

    @property
    def under_way(self) -> bool:
        """Whether the server is loading models."""
        return self._answer is not None

    def give_up(self) -> None:
        """Fail the waiting call; the server goes on loading."""
        if self._answer is not None:
            self._answer.set_exception(
                ConnectionFailedError("policy_node stops; what the server has loaded is not known")
            )

    async def _reload(
        self, request: ReloadServer.Request, response: ReloadServer.Response
    ) -> ReloadServer.Response:
        reason = self._refusal(request)
        if reason:
            response.message = reason
            return response
        wanted = {name: getattr(request, name) for name in _FIELDS if getattr(request, name)}
        self._node.get_logger().info(f"asking the server to load {wanted or 'its defaults'}")
        self._answer = Future(executor=self._node.executor)
        try:
            self._link.reload(wanted, self._answer.set_result)
            loaded: Reloaded = (await self._answer).result()
        except Exception as error:
            misfit = isinstance(error, ConfigurationError)
            response.message = f"{'loaded, but it does not fit: ' if misfit else ''}{error}"
            self._node.get_logger().error(f"reload: {response.message}")
            return response
        finally:
            self._answer = None
        self._on_loaded(loaded.config)
        response.success, response.message = not loaded.unheeded, _describe(loaded)
        if loaded.unheeded:
            self._node.get_logger().error(f"reload: {response.message}")
        return response

    def _refusal(self, request: ReloadServer.Request) -> str:
        if self.under_way:
            return "the server is loading models already; wait until it has loaded them"
        if request.embodiment not in ("", self._embodiment.name):
            return (
                f"this node drives {self._embodiment.name}, embodiment '{request.embodiment}' "
                "does not fit; leave it empty, or start policy_node for that embodiment"
            )
        return self._why_not()


def _describe(loaded: Reloaded) -> str:
    config = loaded.config
    widths = list(config.view_widths) or "as the client has them"
    unheeded = f"not as asked: {'; '.join(loaded.unheeded.values())}. " if loaded.unheeded else ""
    steps = f", {loaded.sample_steps} denoising steps" if loaded.sample_steps else ""
    return (
        f"{unheeded}{describe_server(config)}; views {list(config.view_keys)}, widths {widths}, "
        f"{1.0 / config.control_dt:g} Hz, {config.action_horizon} actions per chunk, "
        f"{config.context_frames} frames of context{steps}"
    )
