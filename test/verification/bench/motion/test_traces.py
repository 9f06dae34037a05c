# SPDX-License-Identifier: Apache-2.0
"""Traces are read as they are, and a file that holds none says why."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vera_ros.errors import ConfigurationError
from verification.bench.ik.targets import angles
from verification.bench.motion import response_accuracy
from verification.bench.motion.traces import DEFAULT_TRACES, Traces
from verification.rig import ACTION_SCALE, CONTROL_DT_S, Rig, make_rig


@pytest.fixture(scope="module")
def rig() -> Rig:
    return make_rig()


def test_the_reference_is_what_its_readme_says() -> None:
    traces = Traces.load(DEFAULT_TRACES)
    assert traces.kinds == ["mimicgen", "mimicgen_small", "mixed", "constant", "stop"]
    assert traces.actions.shape == (50, 40, 7)
    assert np.abs(traces.deltas(0)).max() <= ACTION_SCALE.max()


def test_the_arms_agree_on_where_the_tcp_is(rig: Rig) -> None:
    """The traces' arm and the URDF's: the same posture, the same pose.

    The pose is that of the last physics step's start, 2 ms before the joints. Its rotation is off
    by half a mrad, as the hand's rounded quaternion in robosuite's model is.
    """
    names = ("q", "dq", "tcp_pos", "tcp_rot")
    with np.load(DEFAULT_TRACES) as file:
        q, dq, position, rotation = (file[name][:, -1] for name in names)
    for run, posture in enumerate(q - 0.002 * dq):
        at, turned = rig.tcp(posture)
        assert np.linalg.norm(at - position[run]) < 1e-9
        assert angles(turned[None], rotation[run][None])[0] < 6e-4


def test_the_model_does_not_differ_from_itself(rig: Rig, tmp_path: Path) -> None:
    traces = Traces.load(DEFAULT_TRACES)
    runs = [0, 2]
    answers = [rig.respond(traces.q0[run], traces.deltas(run), CONTROL_DT_S) for run in runs]
    file = tmp_path / "own.npz"
    np.savez(
        file,
        kind=np.array(["a", "b"]),
        q0=traces.q0[runs],
        actions=traces.actions[runs],
        tcp_pos=np.array([position for position, _ in answers]),
        tcp_rot=np.array([rotation for _, rotation in answers]),
    )
    for errors in response_accuracy.measure(rig, Traces.load(file)):
        assert errors.after(40)["position_max_mm"] == 0.0
        assert errors.after(40)["rotation_max_mrad"] < 1e-4


def test_angles_are_those_turned() -> None:
    turn = 0.3
    c, s = np.cos(turn), np.sin(turn)
    yaw = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    found = angles(np.stack((np.eye(3), yaw, yaw @ yaw)), np.tile(np.eye(3), (3, 1, 1)))
    np.testing.assert_allclose(found, [0.0, turn, 2 * turn], atol=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"q0": np.zeros((2, 6))}, "'q0' has shape"),
        ({"actions": np.zeros((0, 40, 7))}, "has shape"),
        ({"tcp_pos": np.full((2, 3, 3), np.nan)}, "not finite"),
        ({"kind": None}, "holds no traces"),
    ],
)
def test_other_files_are_refused(
    tmp_path: Path, change: dict[str, np.ndarray | None], words: str
) -> None:
    arrays: dict[str, Any] = {
        "kind": np.array(["a", "a"]),
        "q0": np.zeros((2, 7)),
        "actions": np.zeros((2, 3, 7)),
        "tcp_pos": np.zeros((2, 3, 3)),
        "tcp_rot": np.zeros((2, 3, 3, 3)),
        **change,
    }
    file = tmp_path / "traces.npz"
    np.savez(file, **{name: values for name, values in arrays.items() if values is not None})
    with pytest.raises(ConfigurationError, match=words):
        Traces.load(file)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 nothing", b"text"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "traces.npz"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="holds no traces"):
        Traces.load(file)
