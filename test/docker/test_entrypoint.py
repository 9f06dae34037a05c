# SPDX-License-Identifier: Apache-2.0
"""The entrypoint starts the server with every embodiment's files, or says what keeps it."""

import ast
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .machine import TABLE, Machine, lay

NOBODY = 65534


def bundles_of(embodiment: str, tracker: str = "") -> list[str]:
    spec = TABLE["embodiments"][embodiment]
    trackers = TABLE["trackers"][tracker or spec["trackers"][0]] if spec["trackers"] else []
    return [*spec["bundles"], *trackers]


# (embodiment, bundle, file); allegro has none but its tracker's, which droid's are as well.
EVERY_FILE = [
    (embodiment, name, file["path"])
    for embodiment in ("mimicgen", "pusht", "droid")
    for name in bundles_of(embodiment)
    for file in TABLE["bundles"][name]["files"]
]


# --- every embodiment starts --------------------------------------------------------------------


def test_mimicgen(machine: Machine) -> None:
    machine.fill("mimicgen")
    ran = machine.run()
    planner = machine.place("mimicgen-planner")
    assert ran.arguments == [
        machine.server,
        "--embodiment=mimicgen",
        "--host=0.0.0.0",
        "--port=8800",
        "--vis-port=8801",
        f"--algo-config={planner}/algo_config.yaml",
        "--no-debug-dump",
    ]
    expected = {
        "VERA_WAN_CKPT_ROOT": machine.roots["wan"],
        "VERA_MIMICGEN_CKPT_DIR": planner,
        "VERA_MIMICGEN_DYNAMICS_CKPT": machine.place("mimicgen-idm") / "model.ckpt",
        "VERA_TRACKER_BACKEND": "cotracker",
        "TORCH_HOME": machine.roots["torch"],
        "HF_HOME": machine.roots["hugging_face"],
        "HF_HUB_OFFLINE": 1,
        "TRANSFORMERS_OFFLINE": 1,
        "WANDB_MODE": "offline",
    }
    assert {name: ran.variables[name] for name in expected} == {
        name: str(value) for name, value in expected.items()
    }
    assert "CC-BY-NC-4.0, non-commercial use only" in ran.said


def test_pusht(machine: Machine) -> None:
    machine.fill("pusht")
    ran = machine.run(VERA_EMBODIMENT="pusht")
    assert ran.arguments[0] == machine.server
    assert {"--port=8820", "--vis-port=8821", "--no-teacache"} <= set(ran.arguments)
    assert not [argument for argument in ran.arguments if "algo-config" in argument]
    planner, idm = machine.place("pusht-planner"), machine.place("pusht-idm")
    assert ran.variables["VERA_PUSHT_PLANNER_CKPT"] == str(planner / "model.ckpt")
    assert ran.variables["VERA_PUSHT_DYNAMICS_CKPT"] == str(idm / "model.ckpt")


def test_droid_whose_dynamics_model_the_server_knows_by_its_run_alone(machine: Machine) -> None:
    machine.fill("droid")
    ran = machine.run(VERA_EMBODIMENT="droid")
    assert ran.arguments[0] == machine.server
    assert {"--port=8804", "--no-debug-dump"} <= set(ran.arguments)
    assert f"--algo-config={machine.place('droid-planner')}/algo_config.yaml" in ran.arguments
    assert ran.variables["VERA_WAN14B_CKPT_ROOT"] == str(machine.roots["wan"])
    assert ran.variables["VERA_TRACKER_BACKEND"] == "alltracker"


def test_allegro_with_checkpoints_of_ones_own(machine: Machine) -> None:
    machine.fill("allegro")
    config = lay(machine.roots["checkpoints"] / "mine" / "algo_config.yaml")
    config.write_text("ckpt_path: ${oc.env:VERA_WAN_CKPT_ROOT}")
    machine.roots["wan"].mkdir()
    lay(machine.roots["checkpoints"] / "mine-a1b2c3d4" / "model.ckpt")
    lay(machine.roots["checkpoints"] / "mine-a1b2c3d4" / "config.yaml")
    ran = machine.run(
        VERA_EMBODIMENT="allegro", VERA_ALGO_CONFIG=str(config), VERA_DYNAMICS_RUN_ID="a1b2c3d4"
    )
    assert ran.arguments[0] == machine.server
    assert {f"--algo-config={config}", "--dynamics-run-id=a1b2c3d4"} <= set(ran.arguments)


@pytest.mark.parametrize("given", [{}, {"VERA_ALGO_CONFIG": "/x"}, {"VERA_DYNAMICS_RUN_ID": "x"}])
def test_allegro_has_no_published_checkpoints(machine: Machine, given: dict[str, str]) -> None:
    machine.fill("allegro")
    lay(machine.roots["checkpoints"] / "idm-x" / "model.ckpt")
    ran = machine.run(VERA_EMBODIMENT="allegro", **given)
    assert ran.code == 2
    assert "no checkpoint of allegro is published; give your own" in ran.said


def test_alltracker_is_imported_from_its_folder(machine: Machine) -> None:
    machine.fill("mimicgen", "alltracker")
    ran = machine.run(VERA_TRACKER_BACKEND="alltracker", PYTHONPATH="/mine")
    assert ran.variables["VERA_ALLTRACKER_ROOT"] == str(machine.roots["alltracker"])
    assert ran.variables["PYTHONPATH"] == f"{machine.roots['alltracker']}/alltracker:/mine"


def test_it_becomes_the_server(machine: Machine) -> None:
    """So that signals to the container's first process reach the server."""
    machine.fill("mimicgen")
    ran = machine.run()
    assert ran.started is not None
    assert ran.started[0] == ran.pid


def test_the_tokenizer_is_found_by_its_relative_name(machine: Machine) -> None:
    """Otherwise `google/umt5-xxl` means a download."""
    machine.fill("mimicgen")
    ran = machine.run()
    assert ran.started is not None
    assert ran.started[3] == {"google": str(machine.roots["wan"] / "google")}


@pytest.mark.parametrize(
    ("embodiment", "variable"),
    [("mimicgen", "VERA_WAN_CKPT_ROOT"), ("droid", "VERA_WAN14B_CKPT_ROOT")],
)
@pytest.mark.parametrize("own_config", [False, True])
def test_the_tokenizer_is_that_of_the_base_that_is_used(
    machine: Machine, embodiment: str, variable: str, own_config: bool
) -> None:
    """Of a planner of one's own, too, which names the same tokenizer."""
    machine.fill(embodiment)
    mine = machine.roots["wan"].rename(machine.folder / "mine")
    given = {variable: str(mine)}
    if own_config:
        given["VERA_ALGO_CONFIG"] = str(lay(machine.folder / "mine.yaml"))
    ran = machine.run(VERA_EMBODIMENT=embodiment, **given)
    assert ran.started is not None, ran.said
    assert ran.started[3] == {"google": str(mine / "google")}


def test_nothing_but_the_standard_library_and_no_network(machine: Machine) -> None:
    """It runs in any image, and cannot download anything."""
    own = {path.stem for path in machine.programs.glob("*.py")} | {"vera_ros"}
    programs = [machine.programs / f"{name}.py" for name in ("entrypoint", "start", "settings")]
    programs += [machine.programs / "bundle_folders.py", *machine.programs.glob("vera_ros/**/*.py")]
    for program in programs:
        tree = ast.parse(program.read_text())
        names = {
            name.split(".")[0]
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert names <= own | sys.stdlib_module_names
        assert not names & {"ftplib", "http", "socket", "ssl", "subprocess", "urllib"}


# --- settings -----------------------------------------------------------------------------------


def test_settings_become_arguments_and_variables(machine: Machine) -> None:
    machine.fill("mimicgen")
    ran = machine.run(
        VERA_HOST="127.0.0.1",
        VERA_SERVER_PORT="9000",
        VERA_VIS_PORT="0",
        VERA_TEXT_PROMPT="--stack the 'red' block",
        VERA_SAMPLE_STEPS="10",
        VERA_TEACACHE="0.15",
        VERA_MOTION_PLAN_SCALE="1.5",
        VERA_N_ACTION_STEPS="8",
        VERA_DEBUG_DUMP_DIR="/dumps",
    )
    assert {
        "--host=127.0.0.1",
        "--port=9000",
        "--vis-port=0",
        "--text=--stack the 'red' block",
        "--sample-steps=10",
        "--teacache-thresh=0.15",
        "--debug-dump-dir=/dumps",
    } <= set(ran.arguments)
    assert "--no-debug-dump" not in ran.arguments
    assert ran.variables["VERA_MOTION_PLAN_SCALE"] == "1.5"
    assert ran.variables["VERA_N_ACTION_STEPS"] == "8"


def test_teacache_off(machine: Machine) -> None:
    machine.fill("mimicgen")
    assert "--no-teacache" in machine.run(VERA_TEACACHE="off").arguments


def test_pusht_reads_its_control_by_other_names(machine: Machine) -> None:
    machine.fill("pusht")
    ran = machine.run(VERA_EMBODIMENT="pusht", VERA_MOTION_PLAN_SCALE="20", VERA_N_ACTION_STEPS="3")
    assert ran.variables["VERA_PUSHT_MOTION_PLAN_SCALE"] == "20.0"
    assert ran.variables["VERA_PUSHT_N_ACTION_STEPS"] == "3"


def test_an_empty_variable_is_one_that_is_not_set(machine: Machine) -> None:
    """Compose passes empty ones on, and the server would take an empty scale for a number."""
    machine.fill("mimicgen")
    ran = machine.run(VERA_EMBODIMENT="", VERA_MOTION_PLAN_SCALE="", VERA_TEXT_PROMPT="")
    assert "--embodiment=mimicgen" in ran.arguments
    assert "VERA_MOTION_PLAN_SCALE" not in ran.variables
    assert not [argument for argument in ran.arguments if argument.startswith("--text")]


@pytest.mark.parametrize(
    ("embodiment", "name", "value", "message"),
    [
        ("cardboard", "VERA_HOST", "x", "'cardboard'; valid is mimicgen or pusht or droid or"),
        ("mimicgen", "VERA_SERVER_PORT", "0", "'0'; valid is a whole number from 1 to 65535"),
        ("mimicgen", "VERA_SERVER_PORT", "²", "'²'; valid is a whole number from 1 to 65535"),
        ("mimicgen", "VERA_VIS_PORT", "70000", "'70000'; valid is a whole number from 0 to"),
        ("mimicgen", "VERA_VIS_PORT", "8800", "VERA_VIS_PORT are both 8800; give them different"),
        ("mimicgen", "VERA_SAMPLE_STEPS", "ten", "'ten'; valid is a whole number from 1"),
        ("mimicgen", "VERA_TEACACHE", "0", "'0'; valid is off, or a number above 0"),
        ("mimicgen", "VERA_MOTION_PLAN_SCALE", "nan", "'nan'; valid is a number above 0"),
        ("mimicgen", "VERA_MOTION_PLAN_SCALE", "much", "'much'; valid is a number above 0"),
        ("mimicgen", "VERA_N_ACTION_STEPS", "1.5", "'1.5'; valid is a whole number from 1"),
        ("mimicgen", "VERA_TRACKER_BACKEND", "megaflow", "valid for mimicgen is cotracker or all"),
        ("droid", "VERA_TRACKER_BACKEND", "cotracker", "valid for droid is alltracker"),
        ("pusht", "VERA_TRACKER_BACKEND", "cotracker", "valid for pusht is none: leave it unset"),
        ("droid", "VERA_N_ACTION_STEPS", "8", "is set, but droid does not read it; leave it"),
        ("pusht", "VERA_ALGO_CONFIG", "/x", "is set, but pusht reads none; leave it unset"),
        ("mimicgen", "USE_OFFLINE_RESOLVE", "0", "'0'; valid is 1: this container downloads"),
    ],
)
def test_settings_that_cannot_be_used(
    machine: Machine, embodiment: str, name: str, value: str, message: str
) -> None:
    machine.fill("mimicgen")
    ran = machine.run(VERA_EMBODIMENT=embodiment, **{name: value})
    assert (ran.code, ran.started) == (2, None)
    assert message in ran.said
    assert "Traceback" not in ran.said


# --- which dynamics model -----------------------------------------------------------------------


def move_idm(machine: Machine, folder: str, **provenance: str) -> Path:
    """An older layout: the model's folder has another name, and says which run it is."""
    idm = machine.roots["checkpoints"] / folder
    idm.parent.mkdir(exist_ok=True)
    machine.place("mimicgen-idm").rename(idm)
    if provenance:
        (idm / "provenance.json").write_text(json.dumps(provenance))
    return idm


@pytest.mark.parametrize("folder", ["idm-mimicgen", "older/idm"])
def test_a_run_is_found_by_its_provenance(machine: Machine, folder: str) -> None:
    machine.fill("mimicgen")
    idm = move_idm(machine, folder, wandb_run="team/jacobian-mimicgen/285ouq1q")
    ran = machine.run(USE_OFFLINE_RESOLVE="1")
    assert ran.variables["VERA_MIMICGEN_DYNAMICS_CKPT"] == str(idm / "model.ckpt")


@pytest.mark.parametrize("run", ["37oa162u", "team/jacobian-mimicgen/37oa162u"])
def test_another_run_is_chosen_by_its_id(machine: Machine, run: str) -> None:
    machine.fill("mimicgen")
    idm = move_idm(machine, "second", wandb_run="team/jacobian-mimicgen/37oa162u")
    machine.fill("mimicgen")  # the published one is there, too
    ran = machine.run(VERA_DYNAMICS_RUN_ID=run)
    assert ran.variables["VERA_MIMICGEN_DYNAMICS_CKPT"] == str(idm / "model.ckpt")
    assert f"--dynamics-run-id={run}" in ran.arguments


def test_a_run_is_found_by_the_end_of_its_folders_name(machine: Machine) -> None:
    machine.fill("mimicgen")
    idm = move_idm(machine, "idm-mimicgen-37oa162u")
    ran = machine.run(VERA_DYNAMICS_RUN_ID="37oa162u")
    assert ran.variables["VERA_MIMICGEN_DYNAMICS_CKPT"] == str(idm / "model.ckpt")


def test_a_file_that_is_named_wins_over_runs(machine: Machine) -> None:
    machine.fill("mimicgen")
    mine = lay(machine.folder / "mine" / "last.ckpt")
    lay(mine.with_name("run_config.yaml"))
    ran = machine.run(VERA_MIMICGEN_DYNAMICS_CKPT=str(mine), VERA_DYNAMICS_RUN_ID="37oa162u")
    assert ran.variables["VERA_MIMICGEN_DYNAMICS_CKPT"] == str(mine)


def test_a_model_without_its_configuration_is_of_no_use(machine: Machine) -> None:
    machine.fill("mimicgen")
    idm = move_idm(machine, "idm-mimicgen", wandb_run="team/jacobian-mimicgen/285ouq1q")
    (idm / "config.yaml").unlink()
    ran = machine.run()
    assert (ran.code, ran.started) == (1, None)
    assert f"{idm}/config.yaml is not there, nor is config.yml or run_config.yaml" in ran.said


@pytest.mark.parametrize("embodiment", ["mimicgen", "droid"])
def test_a_run_that_is_nowhere(machine: Machine, embodiment: str) -> None:
    machine.fill("mimicgen")
    idm = move_idm(machine, "second", wandb_run="team/jacobian-mimicgen/37oa162u")
    ran = machine.run(VERA_EMBODIMENT=embodiment, VERA_DYNAMICS_RUN_ID="7zzzzzzz")
    assert (ran.code, ran.started) == (2, None)
    assert "holds run '7zzzzzzz'" in ran.said
    assert f"team/jacobian-mimicgen/37oa162u in {idm}" in ran.said


def test_a_run_that_two_folders_claim(machine: Machine) -> None:
    machine.fill("mimicgen")
    first = move_idm(machine, "first", wandb_run="team/p/37oa162u")
    second = first.with_name("second")
    shutil.copytree(first, second)
    ran = machine.run(VERA_DYNAMICS_RUN_ID="37oa162u")
    assert (ran.code, ran.started) == (2, None)
    assert f"is recorded in {first} and {second}; move all but one away" in ran.said


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"wandb_run": 7}', "\udc80"])
def test_a_provenance_that_cannot_be_read_is_none(machine: Machine, text: str) -> None:
    machine.fill("mimicgen")
    idm = move_idm(machine, "first", wandb_run="team/p/285ouq1q")
    broken = lay(machine.roots["checkpoints"] / "broken" / "provenance.json")
    broken.write_bytes(text.encode(errors="surrogateescape"))
    ran = machine.run()
    assert ran.variables["VERA_MIMICGEN_DYNAMICS_CKPT"] == str(idm / "model.ckpt")


# --- what is missing ----------------------------------------------------------------------------


@pytest.mark.parametrize(("embodiment", "name", "file"), EVERY_FILE)
def test_every_missing_file_is_named_with_what_gets_it(
    machine: Machine, embodiment: str, name: str, file: str
) -> None:
    machine.fill(embodiment)
    path = machine.place(name) / file
    path.unlink()
    ran = machine.run(VERA_EMBODIMENT=embodiment)
    assert (ran.code, ran.started) == (1, None)
    assert f"{path} is not there" in ran.said
    assert TABLE["bundles"][name]["command"] in ran.said
    others = [n for n in bundles_of(embodiment) if n != name]
    assert not [n for n in others if TABLE["bundles"][n]["command"] in ran.said]


def test_what_the_planners_configuration_names_is_missing(machine: Machine) -> None:
    machine.fill("mimicgen")
    dream = machine.place("mimicgen-planner") / "dream.ckpt"
    dream.unlink()
    ran = machine.run()
    assert (ran.code, ran.started) == (1, None)
    assert f"{dream} is not there (named by {dream.parent}/algo_config.yaml)" in ran.said
    assert TABLE["bundles"]["mimicgen-planner"]["command"] in ran.said


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("tuned_ckpt_path: /path/to/dream.ckpt", "/path/to/dream.ckpt is not there (named by"),
        ("ckpt_path: dream.ckpt", "names 'dream.ckpt', which is not an absolute path"),
        ("ckpt_path: ${oc.env:VERA_OMNI_DIR}/dream.ckpt", "reads VERA_OMNI_DIR, which is not set"),
    ],
)
def test_a_planners_configuration_of_ones_own(machine: Machine, line: str, complaint: str) -> None:
    machine.fill("mimicgen")
    config = lay(machine.folder / "mine.yaml")
    config.write_text(f"model:\n  {line}\n")
    ran = machine.run(VERA_ALGO_CONFIG=str(config))
    assert (ran.code, ran.started) == (1, None)
    assert complaint in ran.said


def test_a_planners_configuration_with_defaults(machine: Machine) -> None:
    machine.fill("mimicgen")
    config = lay(machine.folder / "mine.yaml")
    config.write_text(f"ckpt_path: ${{oc.env:VERA_OMNI_DIR,{machine.folder}}}/mine.yaml\n")
    shutil.rmtree(machine.place("mimicgen-planner"))  # it does not need the published one
    assert f"--algo-config={config}" in machine.run(VERA_ALGO_CONFIG=str(config)).arguments


def test_a_planners_configuration_that_is_not_there(machine: Machine) -> None:
    machine.fill("mimicgen")
    ran = machine.run(VERA_ALGO_CONFIG="/nowhere.yaml")
    assert (ran.code, ran.started) == (1, None)
    assert "/nowhere.yaml is not there" in ran.said


def cut_short(path: Path) -> None:
    lay(path, 1000)


def leave_a_pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 507609880\n")


def put_a_folder_there(path: Path) -> None:
    path.unlink()
    path.mkdir()


def link_it_to_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("../../blobs/gone")


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (cut_short, "has 1000 bytes instead of 507609880: it is not complete"),
        (leave_a_pointer, "is a Git LFS pointer, not the file itself"),
        (put_a_folder_there, "is not a file"),
        (link_it_to_nowhere, "points to ../../blobs/gone, which is not there"),
    ],
)
def test_a_file_that_cannot_be_the_one(
    machine: Machine, spoil: Callable[[Path], object], complaint: str
) -> None:
    machine.fill("mimicgen")
    path = machine.roots["wan"] / "Wan2.1_VAE.pth"
    spoil(path)
    ran = machine.run()
    assert (ran.code, ran.started) == (1, None)
    assert f"{path} {complaint}" in ran.said


def make_empty(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("root", ["checkpoints", "wan", "torch", "hugging_face"])
@pytest.mark.parametrize(
    ("mount", "complaint"),
    [
        (lambda path: None, "is not there: nothing is mounted"),
        (make_empty, "is empty: Docker makes an empty folder where the mounted one does not"),
        (lay, "is a file, not a folder: mount the folder that contains it"),
    ],
)
def test_wrong_mounts(
    machine: Machine, root: str, mount: Callable[[Path], object], complaint: str
) -> None:
    machine.fill("mimicgen")
    shutil.rmtree(machine.roots[root])
    mount(machine.roots[root])
    ran = machine.run()
    assert (ran.code, ran.started) == (1, None)
    assert f"{machine.roots[root]} {complaint}" in ran.said
    assert f"it should hold {TABLE['roots'][root]['holds']}" in ran.said
    lost = [n for n in bundles_of("mimicgen") if TABLE["bundles"][n]["root"] == root]
    for name in lost:
        assert TABLE["bundles"][name]["command"] in ran.said


@pytest.fixture
def nobodys_python(open_machine: Machine) -> str:
    """A Python that another user can run on the machine's programs."""
    if os.getuid() != 0:
        pytest.skip("only root can run a process as another user")
    read = f"open({str(open_machine.programs / 'entrypoint.py')!r})"
    for python in (sys.executable, shutil.which("python3", path=os.defpath)):
        with contextlib.suppress(OSError):
            if python and not subprocess.run([python, "-c", read], user=NOBODY).returncode:
                return python
    pytest.skip("other users cannot run Python")


@pytest.fixture
def open_machine() -> Iterator[Machine]:
    """A machine below a folder that every user may enter."""
    with tempfile.TemporaryDirectory(prefix="vera_ros_test_") as folder:
        Path(folder).chmod(0o777)
        yield Machine(Path(folder))


@pytest.mark.parametrize("what", ["", "idm-mimicgen-285ouq1q/model.ckpt"])
def test_what_its_user_may_not_read(open_machine: Machine, nobodys_python: str, what: str) -> None:
    open_machine.fill("mimicgen")
    path = open_machine.roots["checkpoints"] / what
    path.chmod(0)
    open_machine.python, open_machine.user = nobodys_python, NOBODY
    ran = open_machine.run()
    assert (ran.code, ran.started) == (1, None)
    assert f"{path} cannot be read by user {NOBODY}: run chmod -R a+rX" in ran.said


# --- --check ------------------------------------------------------------------------------------


def test_check_says_what_would_be_run_and_runs_nothing(machine: Machine) -> None:
    machine.fill("mimicgen")
    ran = machine.run("--check")
    assert (ran.code, ran.started) == (0, None)
    assert f"python {machine.server} --embodiment=mimicgen" in ran.said
    assert "VERA_TRACKER_BACKEND=cotracker" in ran.said
    assert "nothing is missing" in ran.said


def test_check_says_what_is_missing(machine: Machine) -> None:
    ran = machine.run("--check")
    assert (ran.code, ran.started) == (1, None)
    for name in bundles_of("mimicgen"):
        assert TABLE["bundles"][name]["command"] in ran.said


# --- --verify -----------------------------------------------------------------------------------


def record_hashes(machine: Machine, *bundles: str) -> None:
    """Record what these bundles are now in the image's table, as scripts/pin would."""
    file = machine.programs.parents[1] / "config" / "checkpoints.json"
    table = json.loads(file.read_text())
    for name in bundles:
        for entry in table["bundles"][name]["files"]:
            content = (machine.place(name) / entry["path"]).read_bytes()
            entry["sha256"] = hashlib.sha256(content).hexdigest()
    file.write_text(json.dumps(table))


def test_without_recorded_hashes_everything_is_unverified(machine: Machine) -> None:
    machine.fill("pusht")
    for ran in (
        machine.run(VERA_EMBODIMENT="pusht"),
        machine.run("--check", VERA_EMBODIMENT="pusht"),
    ):
        assert ran.code == 0
        assert ran.said.count("; unverified: the table records no SHA-256") == 3
    ran = machine.run("--verify", VERA_EMBODIMENT="pusht")
    assert (ran.code, ran.started) == (1, None)
    assert ran.said.endswith("not verified\n")


def test_what_was_published_is_verified(machine: Machine) -> None:
    machine.fill("pusht")
    record_hashes(machine, *bundles_of("pusht"))
    ran = machine.run("--verify", VERA_EMBODIMENT="pusht")
    assert (ran.code, ran.started) == (0, None)
    assert "pusht-idm: 2 of 2 files compared" in ran.said
    assert ran.said.endswith("\nverified\n")
    assert "unverified: --verify reads it" in machine.run(VERA_EMBODIMENT="pusht").said


@pytest.mark.parametrize("bundle", ["pusht-planner", "pusht-idm", "dinov2-small"])
def test_a_changed_file_is_named_and_not_loaded(machine: Machine, bundle: str) -> None:
    machine.fill("pusht")
    record_hashes(machine, *bundles_of("pusht"))
    changed = machine.place(bundle) / TABLE["bundles"][bundle]["files"][0]["path"]
    changed.write_bytes(b"!")
    ran = machine.run("--verify", VERA_EMBODIMENT="pusht")
    assert (ran.code, ran.started) == (1, None)
    assert f"error: {changed} has the SHA-256" in ran.said
    assert "not verified" in ran.said


def test_one_bundle_without_hashes_leaves_all_unverified(machine: Machine) -> None:
    machine.fill("pusht")
    record_hashes(machine, "pusht-planner", "pusht-idm")
    ran = machine.run("--verify", VERA_EMBODIMENT="pusht")
    assert ran.code == 1
    assert "dinov2-small: unverified" in ran.said


def test_another_model_is_not_compared_with_the_published_one(machine: Machine) -> None:
    machine.fill("mimicgen")
    record_hashes(machine, "mimicgen-idm")
    for name in ("model.ckpt", "config.yaml"):
        lay(machine.roots["checkpoints"] / "mine-a1b2c3d4" / name, 5)
    ran = machine.run("--verify", VERA_DYNAMICS_RUN_ID="a1b2c3d4")
    assert "mimicgen-idm: unverified" in ran.said
    assert "error" not in ran.said


def test_other_arguments_are_refused(machine: Machine) -> None:
    machine.fill("mimicgen")
    ran = machine.run("--embodiment=pusht")
    assert (ran.code, ran.started) == (2, None)
