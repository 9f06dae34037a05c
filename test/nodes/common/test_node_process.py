# SPDX-License-Identifier: Apache-2.0
"""A node's command line, environment and parameter files: one message for each mistake."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from test.bringup.test_enclaves import make_keystore
from vera_ros.bringup.enclaves import enclave_of, secure_environment
from vera_ros.errors import ConfigurationError
from vera_ros.nodes.common.node_process import initialise

if TYPE_CHECKING:
    from test.parameter_mistakes import ACCEPTED, MISTAKES, Mistake
else:
    from parameter_mistakes import ACCEPTED, MISTAKES, Mistake

PATIENCE_S = 300.0
ALL = [*MISTAKES, *(each for each, _ in ACCEPTED)]


@dataclass(frozen=True)
class Said:
    """What a node, and the doctor, say of a file."""

    path: Path
    node: str
    doctor: str


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Said]:
    """What is said of each file, by the mistake's name."""
    folder = tmp_path_factory.mktemp("files")
    lines = []
    for number, mistake in enumerate(ALL):
        path = folder / f"robot{number}.yaml"
        if mistake.content is not None:
            path.write_bytes(mistake.content)
        lines.append(f"{number} {mistake.node} {path}")
    (folder / "list").write_text("\n".join(lines))
    script = Path(__file__).with_name("each_file.py")
    environment = {**os.environ, "ROS_HOME": str(folder)}
    subprocess.run(
        [sys.executable, script, folder], env=environment, check=True, timeout=PATIENCE_S
    )

    def heard(number: int, whose: str) -> str:
        return (folder / f"{number}.{whose}").read_text().strip()

    return {
        mistake.name: Said(
            folder / f"robot{number}.yaml", heard(number, "node"), heard(number, "doctor")
        )
        for number, mistake in enumerate(ALL)
    }


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_in_a_file_is_one_message(said: dict[str, Said], mistake: Mistake) -> None:
    heard = said[mistake.name]
    assert heard.node == f"error: {heard.doctor}"
    assert "\n" not in heard.node
    for word in (str(heard.path), *mistake.words):
        assert word in heard.node


@pytest.mark.parametrize(("accepted", "values"), ACCEPTED, ids=[each.name for each, _ in ACCEPTED])
def test_what_can_be_meant_in_one_way_is_read(
    said: dict[str, Said], accepted: Mistake, values: dict[str, object]
) -> None:
    read = json.loads(said[accepted.name].node)
    assert read == json.loads(said[accepted.name].doctor) | {"autostart": True}
    assert read.items() >= values.items()


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--ros-args", "-r", "__ns:=/my-arm"], {}, ("'/my-arm'", "letters, digits and _")),
        (["--ros-args", "-r", "__ns:=left/2nd"], {}, ("'left/2nd'", "beginning with a letter")),
        (["--ros-args", "-r", "__node:=my.node"], {}, ("'my.node'", "letters, digits and _")),
        (["--ros-args", "-r", "node:__ns:=a b"], {}, ("'a b'", "letters, digits and _")),
        (["speed:=1"], {}, ("speed:=1", "--ros-args")),
        (["--ros-args", "--params-file", "/"], {}, ("'/'", "Is a directory")),
        (["--ros-args", "-p", "no_value"], {}, ("no_value",)),
        *(
            ([], {"ROS_DOMAIN_ID": domain}, (f"ROS_DOMAIN_ID is '{domain}'", "0 to 232"))
            for domain in ("233", "-1", "one", "1.0", " 5", "0x10")
        ),
    ],
)
def test_a_mistake_on_the_command_line_or_in_the_environment_is_named(
    arguments: list[str], environment: dict[str, str], words: tuple[str, ...]
) -> None:
    with pytest.raises(ConfigurationError) as error:
        initialise(["node", *arguments], environment)
    for word in words:
        assert word in str(error.value)


def test_keys_that_the_middleware_does_not_accept_are_one_message(tmp_path: Path) -> None:
    enclave = enclave_of("", "judge_node")
    keystore = make_keystore(tmp_path, enclave)  # of empty files
    ended = subprocess.run(
        [sys.executable, "-m", "vera_ros.nodes.judge_node", "--ros-args", "--enclave", enclave],
        env={**os.environ, **secure_environment(keystore)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ended.returncode == 1
    assert "\nerror: the node cannot be created: " in f"\n{ended.stdout}"
    assert "Traceback" not in ended.stdout
