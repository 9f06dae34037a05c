# SPDX-License-Identifier: Apache-2.0
"""Which nodes make the system, and what they are given."""

import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.bringup.graph import NodeSpec, command, nodes
from vera_ros.bringup.graph_options import (
    ROBOTS,
    SERVERS,
    GraphOptions,
    default_server_url,
    find_arm,
    packaged_arms,
)
from vera_ros.errors import ConfigurationError
from vera_ros.resources import share_path
from vera_ros.robots.stacking.arms.description import packaged_panda
from verification.arm_files import read_arm


def by_name(options: GraphOptions) -> dict[str, NodeSpec]:
    return {spec.name: spec for spec in nodes(options)}


@pytest.mark.parametrize("robot", ROBOTS)
@pytest.mark.parametrize("server", SERVERS)
def test_robot_and_server_choose_the_nodes(robot: str, server: str) -> None:
    expected = {"ik_node", "policy_node"}
    expected |= {"sim_node", "judge_node"} if robot == "sim" else set()
    expected |= {"reference_server"} if server == "reference" else set()
    expected |= {"server_node"} if server in ("docker", "subprocess") else set()
    assert set(by_name(GraphOptions(robot=robot, server=server))) == expected


@given(port=st.integers(1, 65535))
def test_the_reference_server_listens_where_the_policy_node_connects(port: int) -> None:
    specs = by_name(GraphOptions(server_url=f"ws://127.0.0.1:{port}"))
    assert specs["reference_server"].parameters == {"host": "127.0.0.1", "port": port}
    assert specs["policy_node"].parameters["server_url"] == f"ws://127.0.0.1:{port}"


@given(port=st.integers(1, 65535), mode=st.sampled_from(["docker", "subprocess"]))
def test_server_node_starts_a_server_where_the_policy_node_connects(port: int, mode: str) -> None:
    specs = by_name(GraphOptions(server=mode, server_url=f"ws://127.0.0.1:{port}"))
    assert specs["server_node"].parameters == {
        "server_mode": mode,
        "server_host": "127.0.0.1",
        "server_port": port,
    }
    assert specs["policy_node"].parameters["server_url"] == f"ws://127.0.0.1:{port}"


def test_without_an_address_the_reference_server_has_its_own() -> None:
    specs = by_name(GraphOptions())
    assert specs["policy_node"].parameters["server_url"] == default_server_url()


def test_without_an_address_attach_leaves_it_to_the_configuration() -> None:
    assert "server_url" not in by_name(GraphOptions(server="attach"))["policy_node"].parameters


def test_at_real_time_nobody_needs_a_clock() -> None:
    specs = by_name(GraphOptions())
    assert specs["sim_node"].parameters["publish_clock"] is False
    assert not any("use_sim_time" in spec.parameters for spec in specs.values())


@given(factor=st.floats(0.05, 20.0).filter(lambda factor: factor != 1.0))
def test_at_another_pace_all_nodes_follow_the_clock(factor: float) -> None:
    specs = by_name(GraphOptions(realtime_factor=factor))
    assert specs["sim_node"].parameters["publish_clock"] is True
    assert specs["sim_node"].parameters["realtime_factor"] == factor
    assert all(spec.parameters["use_sim_time"] is True for spec in specs.values())


@pytest.mark.parametrize("judge", [True, False])
def test_in_lockstep_time_and_pictures_are_left_to_nobodys_chance(judge: bool) -> None:
    specs = by_name(GraphOptions(lockstep=True, judge=judge))
    assert all(spec.parameters["use_sim_time"] is True for spec in specs.values())
    assert specs["sim_node"].parameters["publish_clock"] is True
    for name in ("sim_node", "policy_node"):
        assert specs[name].parameters["lockstep"] is True
        assert specs[name].parameters["image_reliability"] == "reliable"
    assert specs["ik_node"].parameters["joint_state_timeout_s"] == 5.0  # a busy machine's pauses
    assert specs["policy_node"].parameters.get("await_verdict", False) is judge
    if judge:
        assert specs["judge_node"].parameters["lockstep"] is True


def test_without_lockstep_nobody_hears_of_it() -> None:
    for spec in nodes(GraphOptions()):
        assert "lockstep" not in spec.parameters


def test_the_simulated_arm_is_described_by_the_package() -> None:
    urdf = share_path("description", "urdf", "panda.urdf").read_text()
    assert by_name(GraphOptions())["ik_node"].parameters["robot_description"] == urdf


@pytest.mark.parametrize("arm", packaged_arms())
def test_an_arm_is_a_layer_over_the_configuration(tmp_path: Path, arm: str) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("/**/ik_node: {ros__parameters: {speed_scale: 0.5}}")
    packaged = by_name(GraphOptions())["ik_node"]
    spec = by_name(GraphOptions(arm=arm, params_file=mine))["ik_node"]
    assert spec.parameter_files == (*packaged.parameter_files, find_arm(arm), mine)
    assert spec.parameters["robot_description"] == read_arm(arm).urdf


def test_an_arm_takes_the_place_of_the_pusher() -> None:
    spec = by_name(GraphOptions(embodiment="pusht", arm="ur5e"))["ik_node"]
    names = [path.name for path in spec.parameter_files]
    assert names == ["pusht.yaml", "pusht_arm.yaml", "ur5e.yaml"]
    assert spec.parameters["robot_description"] == read_arm("ur5e").urdf
    panda = by_name(GraphOptions(embodiment="pusht", arm="panda"))["ik_node"]
    assert panda.parameters["robot_description"] == packaged_panda()


def test_no_arm_takes_the_place_of_a_hand() -> None:
    with pytest.raises(ConfigurationError, match="allegro has no arm that could be another"):
        nodes(GraphOptions(embodiment="allegro", arm="panda"))


def test_an_arm_of_ones_own_is_described_by_the_file_that_is_read_last(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    names = ", ".join(read_arm("ur5e").joint_names)
    mine.write_text(
        "/**: {ros__parameters: {arm_description: ur5e.urdf, flange: tool0}}\n"
        f"/**/*: {{ros__parameters: {{joint_names: [{names}]}}}}\n"
    )
    for options in (
        GraphOptions(arm=mine),
        GraphOptions(arm="xarm7", params_file=mine),
        GraphOptions(config=mine),
    ):
        description = by_name(options)["ik_node"].parameters["robot_description"]
        assert description == read_arm("ur5e").urdf


def test_joints_that_the_description_lacks_are_refused(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("/**/sim_node: {ros__parameters: {arm_description: ur5e.urdf}}")
    with pytest.raises(ConfigurationError, match=r"no joint .'panda_joint1'.*'shoulder_pan_joint'"):
        nodes(GraphOptions(arm=mine))


def test_a_real_arm_is_described_by_its_topic_unless_told() -> None:
    assert "robot_description" not in by_name(GraphOptions(robot="real"))["ik_node"].parameters
    given_one = by_name(GraphOptions(robot="real", robot_description="<robot/>"))["ik_node"]
    assert given_one.parameters["robot_description"] == "<robot/>"


def test_a_real_arm_has_the_topics_that_its_configuration_names() -> None:
    for spec in nodes(GraphOptions(robot="real", server="attach")):
        assert ("joint_states", "/joint_states") in spec.remappings
        assert "arm_controller/joint_trajectory" in dict(spec.remappings)


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_params_file_is_a_layer_over_the_configuration(tmp_path: Path, robot: str) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "/**: {ros__parameters: {remappings: ['joint_states:=/mine', 'tcp_pose:=/tip']}}"
    )
    packaged = by_name(GraphOptions(robot=robot, server="attach"))
    for name, spec in by_name(GraphOptions(robot=robot, server="attach", params_file=mine)).items():
        assert spec.parameter_files == (*packaged[name].parameter_files, mine)
        expected = dict(packaged[name].remappings) | {"joint_states": "/mine", "tcp_pose": "/tip"}
        assert sorted(spec.remappings) == sorted(expected.items())


def test_a_params_file_is_checked_like_the_configuration(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("/**/ik_nod: {ros__parameters: {speed_scale: 0.5}}")
    with pytest.raises(ConfigurationError, match=r"mine.yaml' line 1: the block '/\*\*/ik_nod'"):
        nodes(GraphOptions(params_file=mine))


@pytest.mark.parametrize("robot", ROBOTS)
def test_time_is_simulated_on_request(robot: str) -> None:
    """A simulated arm has a clock of its own; with a real one, another simulator has it."""
    specs = by_name(GraphOptions(robot=robot, server="attach", use_sim_time=True))
    assert all(spec.parameters["use_sim_time"] is True for spec in specs.values())
    for spec in specs.values():
        assert (("/clock", "clock") in spec.remappings) is (robot == "sim")
    if robot == "sim":
        assert specs["sim_node"].parameters["publish_clock"] is True


@pytest.mark.parametrize("server", SERVERS)
def test_a_lifecycle_manager_may_start_all_nodes(server: str) -> None:
    for spec in nodes(GraphOptions(server=server, autostart=False)):
        assert spec.parameters["autostart"] is False
    for spec in nodes(GraphOptions(server=server)):
        assert "autostart" not in spec.parameters


def test_more_parameters_win() -> None:
    options = GraphOptions(seed=1, parameters={"sim_node": {"seed": 2, "image_size": 64}})
    parameters = by_name(options)["sim_node"].parameters
    assert (parameters["seed"], parameters["image_size"]) == (2, 64)


def test_parameters_for_a_node_that_is_not_there_are_refused() -> None:
    options = GraphOptions(robot="real", parameters={"sim_node": {"image_size": 64}})
    with pytest.raises(ConfigurationError, match="'sim_node', which is not part"):
        nodes(options)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a list", "holds a list"),
        ("a: [", "cannot be read"),
        ("/**: {ros__parameters: {remappings: [joint_states]}}", "remapping 'joint_states'"),
        ("/**: {ros__parameters: {remappings: ['a:=']}}", "remapping 'a:='"),
        ("/**: {ros__parameters: {remappings: ['a=/b/c']}}", "write 'a:=/b/c'"),
        ("/**: {ros__parameters: {remappings: ['a: /b/c']}}", "write 'a:=/b/c'"),
        ("/**: {ros__parameters: {remappings: ['a -> /b/c']}}", "write 'a:=/b/c'"),
        ("/**: {ros__parameters: {remappings: ['a:=/front-camera/b']}}", "is '/front-camera/b'"),
        ("/**: {ros__parameters: {remappings: ['a b:=c']}}", "is 'a b'"),
        (
            "/**: {ros__parameters: {remappings: ['hold:=/b', 'hold:=/c']}}",
            "remaps 'hold' twice",
        ),
        (
            "/**:\n  ros__parameters:\n    remappings:\n    - hold:=/h\n"
            "    - joint_state:=/joints\n",
            "line 5, in the block '/**': the remapping 'joint_state:=/joints' changes nothing: no "
            "node of the graph has 'joint_state'; nearest are joint_states",
        ),
        (
            "/**: {ros__parameters: {remappings: ['front/image_raw:=/camera/image_raw']}}",
            "no node of the graph has 'front/image_raw'; nearest are agentview/image_raw",
        ),
        ("/**: {ros__parameters: {remappings: ['ik_node:chunk:=/b']}}", "no node of the graph has"),
        (
            "/**: {ros__parameters: {remappings: ['/panda/joint_states:=/joint_states']}}",
            "comes first: write 'joint_states:=/panda/joint_states'",
        ),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as refusal:
        nodes(GraphOptions(config=path))
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("key", "namespace", "nearest"),
    [
        ("/**/ik_nod", "", "/**/ik_node"),
        ("/right/ik_node", "/left", "/left/ik_node"),
        ("ik_node", "left", "/left/ik_node"),
        ("/*/ik_node", "", "/ik_node"),
    ],
)
def test_a_block_that_no_node_of_the_graph_reads_is_refused(
    tmp_path: Path, key: str, namespace: str, nearest: str
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"{key}: {{ros__parameters: {{speed_scale: 0.5}}}}")
    with pytest.raises(ConfigurationError) as refusal:
        nodes(GraphOptions(config=path), namespace)
    assert f"'{path}' line 1: the block '{key}'" in str(refusal.value)
    assert nearest in str(refusal.value)


@pytest.mark.parametrize("namespace", ["", "/left", "cell/left"])
@pytest.mark.parametrize("robot", ROBOTS)
def test_packaged_configurations_fit_any_namespace(robot: str, namespace: str) -> None:
    options = GraphOptions(robot=robot, server="attach")
    assert nodes(options, namespace) == nodes(options)


@pytest.mark.parametrize("namespace", ["", "/", "left", "/left", "cell/left"])
def test_a_command_gives_the_node_its_name_parameters_and_topics(
    tmp_path: Path, namespace: str
) -> None:
    spec = NodeSpec(
        "ik_node",
        "ik_node",
        (Path("/etc/base.yaml"),),
        {"robot_description": "<a b='1'>: yes\n</a>", "flag": True, "port": 1, "list": [1.0, 2.0]},
        (("joint_states", "/joint_states"),),
    )
    line = command(spec, namespace, tmp_path)
    assert line[:4] == [sys.executable, "-m", "vera_ros.nodes.ik_node", "--ros-args"]
    prefix = f"/{namespace.strip('/')}".rstrip("/")
    assert f"__ns:={prefix or '/'}" in line
    assert "joint_states:=/joint_states" in line
    own = tmp_path / "ik_node.yaml"
    files = [line[i + 1] for i, word in enumerate(line) if word == "--params-file"]
    assert files == ["/etc/base.yaml", str(own)]
    content = yaml.safe_load(own.read_text())
    assert content == {f"{prefix}/ik_node": {"ros__parameters": spec.parameters}}


@pytest.mark.parametrize("namespace", ["two words", "1st", "a//b", "a/", "~a", "my-arm", "ärm"])
def test_a_namespace_that_ros_does_not_know_is_refused(tmp_path: Path, namespace: str) -> None:
    with pytest.raises(ConfigurationError, match="namespace is"):
        command(NodeSpec("ik_node", "ik_node"), namespace, tmp_path)
    with pytest.raises(ConfigurationError, match="namespace is"):
        nodes(GraphOptions(), namespace)


def test_an_embodiment_brings_its_configuration_and_its_port() -> None:
    specs = by_name(GraphOptions(embodiment="droid"))
    assert {path.name for spec in specs.values() for path in spec.parameter_files} == {
        "droid_panda.yaml"
    }
    assert specs["reference_server"].parameters["port"] == 8804
    assert specs["policy_node"].parameters["server_url"] == "ws://127.0.0.1:8804"


def test_a_real_arm_of_an_embodiment_without_a_packaged_file_needs_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"for droid; give your own as config"):
        nodes(GraphOptions(embodiment="droid", robot="real"))
    own = tmp_path / "own.yaml"
    own.write_text("/**/ik_node: {ros__parameters: {embodiment: droid}}\n")
    assert nodes(GraphOptions(embodiment="droid", robot="real", config=own))
    with pytest.raises(ConfigurationError, match=r"unknown embodiment 'toaster'"):
        GraphOptions(embodiment="toaster")


@pytest.mark.parametrize(
    ("rule", "namespace"),
    [
        ("joint_states:=/joints", ""),
        ("/joint_states:=/joints", ""),
        ("/left/joint_states:=/joints", "left"),
        ("ik_node:joint_states:=/joints", "/cell/left"),
        ("agentview/image_raw/compressed:=/front/compressed", ""),
        ("mine/image:=/front", ""),
        ("mine/state:=/state", ""),
        ("gripper_controller/gripper_cmd:=/hand/gripper_cmd", "left"),
        ("~/hold:=/stop_all", ""),
        ("/tf:=/left/tf", "left"),
        ("/clock:=/world/clock", ""),
    ],
)
def test_what_some_node_has_may_be_remapped(tmp_path: Path, rule: str, namespace: str) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        f"/**: {{ros__parameters: {{remappings: ['{rule}']}}}}\n"
        "/**/policy_node: {ros__parameters: {view_topics: [mine/image, other]}}\n"
        "/**/ik_node: {ros__parameters: {robot_state_topic: mine/state}}\n"
    )
    source, _, target = rule.rpartition(":=")
    assert dict(nodes(GraphOptions(params_file=mine), namespace)[0].remappings)[source] == target


def test_in_a_namespace_an_absolute_name_is_another(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("/**: {ros__parameters: {remappings: ['/joint_states:=/joints']}}")
    with pytest.raises(ConfigurationError, match="nearest are joint_states"):
        nodes(GraphOptions(params_file=mine), "left")
