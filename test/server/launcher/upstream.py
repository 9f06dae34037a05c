# SPDX-License-Identifier: Apache-2.0
"""VERA's own server and adapter, from a checkout of it, around the reference policy.

The adapter's modules name torch and jaxtyping in annotations alone, so empty ones will do.
"""

import importlib
import logging
import os
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from vera_ros.errors import ConfigurationError
from vera_ros.robots.mimicgen.arm import ARM
from vera_ros.robots.stacking.policy.stack_policy import StackPolicy


class MotionPolicy:
    """The reference policy, as VERA's adapter asks its own policies."""

    def __init__(self) -> None:
        self._policy = StackPolicy(ARM, looks_ahead=False)

    def predict_action_chunk(
        self,
        observation: Any,
        *,
        context_rgb: npt.NDArray[np.float32],
        execute_horizon: int,
        context_update_mode: str,
    ) -> SimpleNamespace:
        reply = self._policy.infer(
            {
                "context_rgb": np.rint(context_rgb * 255.0).astype(np.uint8),
                "view_keys": observation.view_keys,
                "view_widths": observation.view_widths,
                "eef_pos": observation.eef_pos,
                "eef_quat": observation.eef_quat,
                "gripper_qpos": observation.gripper_qpos,
                "execute_horizon": execute_horizon,
            }
        )
        return SimpleNamespace(action=reply["action"][None], info=reply["info"])

    def reset(self) -> None:
        self._policy.reset("")

    def configure_runtime(self, **settings: Any) -> dict[str, Any]:
        settings.pop("text_conditioning", None)  # it knows one task only
        try:
            return self._policy.configure(settings)
        except ConfigurationError as error:
            raise ValueError(str(error)) from error


def serve(host: str, port: int) -> None:
    """Serve until a signal ends it."""
    logging.basicConfig(level=logging.INFO)
    named = {"torch": ModuleType("torch"), "jaxtyping": ModuleType("jaxtyping")}
    named["jaxtyping"].Float = None  # type: ignore[attr-defined]
    sys.modules.update(named)
    protocol = importlib.import_module("vera.server.protocol")
    adapter = importlib.import_module("vera.server.protocol.vera_policy_adapter")
    for name in named:
        del sys.modules[name]
    said = StackPolicy(ARM).server_config()
    for name in ("git_head", "git_dirty", "git_diff_sha", "hostname", "argv", "run_dir"):
        del said[name]  # of this server, not of that policy
    upstream = os.environ["VERA_UPSTREAM"]
    config = protocol.VeraServerConfig.from_runtime(repo_dir=upstream, run_dir="", **said)
    policy = adapter.VeraPolicyAdapter(MotionPolicy(), config)
    protocol.WebsocketPolicyServer(policy, config, host=host, port=port).serve_forever()
