# SPDX-License-Identifier: Apache-2.0
"""Folders with the files of config/checkpoints.json, whole and torn; weights are sparse files."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vera_ros.checkpoints.table import Table
from vera_ros.doctor.checks.checkpoints import judge
from vera_ros.doctor.finding import Finding, Verdict
from vera_ros.server.checkpoints import Checkpoints
from vera_ros.server.settings import ServerSettings, load_table

TABLE = load_table()
REVISION = "a1b2c3"
WEIGHTS = "video_model.ckpt"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Where everything lies, by the table's own variables."""
    return {root.host_variable: str(tmp_path / name) for name, root in TABLE.roots.items()}


def write(path: Path, size: int | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(10 if size is None else size)


def write_bundle(name: str, environ: dict[str, str]) -> Path:
    """Write all files of a bundle; return its folder."""
    bundle = TABLE.bundles[name]
    folder = Path(environ[TABLE.roots[bundle.root].host_variable], bundle.folder)
    if bundle.cached_repository:
        write(folder / "refs" / "main", 0)
        (folder / "refs" / "main").write_text(f"{REVISION}\n")
        folder = folder / "snapshots" / REVISION
    for file in bundle.files:
        write(folder / file.path, file.bytes)
    return folder


def of_server(
    embodiment: str = "mimicgen", mode: str = "subprocess", **more: Any
) -> ServerSettings:
    return ServerSettings.model_validate({"embodiment": embodiment, "server_mode": mode, **more})


def judged(
    environ: dict[str, str], embodiment: str = "mimicgen", **settings: Any
) -> dict[str, Finding]:
    findings = judge(Checkpoints(of_server(embodiment, **settings), environ))
    return {finding.name: finding for finding in findings}


def bundles_of(settings: ServerSettings) -> list[str]:
    return list(Checkpoints(settings, {}).placed)


def failed(findings: dict[str, Finding]) -> Sequence[str]:
    return [name for name, f in findings.items() if f.verdict is Verdict.FAILURE]


@pytest.mark.parametrize(
    ("embodiment", "mode"),
    [
        ("mimicgen", "subprocess"),
        ("pusht", "subprocess"),
        *((embodiment, "docker") for embodiment in ("mimicgen", "pusht", "droid")),
    ],
)
def test_a_whole_set_is_ok(embodiment: str, mode: str, environ: dict[str, str]) -> None:
    names = bundles_of(of_server(embodiment, mode))
    for name in names:
        write_bundle(name, environ)
    findings = judged(environ, embodiment, mode=mode)
    assert list(findings) == names
    assert not failed(findings)


def test_each_missing_file_is_named_with_the_command_that_gets_it(environ: dict[str, str]) -> None:
    names = bundles_of(of_server())
    folders = {name: write_bundle(name, environ) for name in names}
    for name, folder in folders.items():
        for file in TABLE.bundles[name].files:
            path = folder / file.path
            path.rename(hidden := path.with_name("hidden"))
            findings = judged(environ)
            assert failed(findings) == [name]
            assert file.path in findings[name].found
            assert (
                "hf download" in findings[name].mend
                or "curl" in findings[name].mend
                or ("git clone" in findings[name].mend)
            )
            hidden.rename(path)


def test_a_file_that_was_cut_is_no_file(environ: dict[str, str]) -> None:
    folder = write_bundle("wan-t2v-1.3b", environ)
    os.truncate(folder / "Wan2.1_VAE.pth", 1_000_000)
    finding = judged(environ)["wan-t2v-1.3b"]
    assert finding.verdict is Verdict.FAILURE
    assert finding.found == f"of a different size than published in {folder}: Wan2.1_VAE.pth"


def test_other_names_of_a_file_do_as_well(environ: dict[str, str]) -> None:
    folder = write_bundle("mimicgen-idm", environ)
    (folder / "config.yaml").rename(folder / "run_config.yaml")
    assert judged(environ)["mimicgen-idm"].verdict is Verdict.OK


def test_what_a_planners_configuration_names_is_needed_too(environ: dict[str, str]) -> None:
    folder = write_bundle("mimicgen-planner", environ)
    write_bundle("wan-t2v-1.3b", environ)
    (folder / "algo_config.yaml").write_text(
        f'model:\n  ckpt_path: "${{oc.env:VERA_MIMICGEN_CKPT_DIR}}/{WEIGHTS}"\n'
        "vae_ckpt_path: ${oc.env:VERA_WAN_CKPT_ROOT}/Wan2.1_VAE.pth\n"
        "tokenizer_ckpt_path: ${oc.env:VERA_WAN_CKPT_ROOT}/google\n"
        "other_ckpt_path: ${oc.env:HOME}/log\n"
    )
    finding = judged(environ)["mimicgen-planner"]
    assert finding.found == f"missing in {folder}: {WEIGHTS}"
    write(folder / WEIGHTS, 2_800_000_000)
    finding = judged(environ)["mimicgen-planner"]
    assert finding.verdict is Verdict.OK
    assert "3.31 GB" in finding.found  # with the VAE that it names
    assert "Apache-2.0" in finding.found


def test_a_folder_that_nobody_named_is_asked_for() -> None:
    finding = judged({})["mimicgen-planner"]
    assert finding.verdict is Verdict.FAILURE
    assert finding.found == "VERA_CKPT_ROOT is not set, so its folder is unknown"
    assert finding.mend.startswith("export VERA_CKPT_ROOT=<folder> (or --ckpt-root <folder>); hf ")


def test_a_configured_folder_wins_over_the_variable(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    mine = tmp_path / "mine"
    write_bundle("mimicgen-planner", environ | {"VERA_CKPT_ROOT": str(mine)})
    assert "mimicgen-planner" in failed(judged(environ))
    findings = judged(environ, ckpt_root=str(mine))
    assert findings["mimicgen-planner"].verdict is Verdict.OK
    assert f'"{mine}"' in findings["mimicgen-idm"].mend


def test_a_process_finds_a_bundle_by_its_own_variable_where_no_root_is_configured(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    moved = write_bundle("mimicgen-idm", environ).rename(tmp_path / "idm")
    del environ["VERA_CKPT_ROOT"]
    environ["VERA_MIMICGEN_DYNAMICS_CKPT"] = str(moved / "model.ckpt")
    finding = judged(environ)["mimicgen-idm"]
    assert finding.verdict is Verdict.OK
    assert str(moved) in finding.found
    assert "non-commercial use only" in finding.found
    assert judged(environ, mode="docker")["mimicgen-idm"].verdict is Verdict.FAILURE


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "empty in"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 11\n", "Git LFS"),
    ],
)
def test_a_file_without_its_content_is_no_file(
    environ: dict[str, str], content: bytes, named: str
) -> None:
    folder = write_bundle("mimicgen-idm", environ)
    (folder / "model.ckpt").write_bytes(content)
    finding = judged(environ)["mimicgen-idm"]
    assert finding.verdict is Verdict.FAILURE
    assert named in finding.found


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({}, "~/.cache/huggingface"),
        ({"HF_HOME": "/library"}, "/library"),
        ({"HF_HOME": "/library", "VERA_HF_HOME": "/mine"}, "/mine"),
    ],
)
def test_a_cache_is_where_its_variable_says_or_its_library_has_it(
    variables: dict[str, str], folder: str
) -> None:
    finding = judged(variables)["vggt-1b"]
    hub = Path(folder).expanduser() / "hub"
    assert f"missing in {hub}/" in finding.found
    assert finding.mend.endswith(f'--cache-dir "{hub}"')


def test_the_image_brings_the_trackers_code() -> None:
    outside = bundles_of(of_server())
    inside = bundles_of(of_server(mode="docker"))
    assert set(outside) - set(inside) == {"cotracker-code"}


def test_the_tracker_can_be_chosen() -> None:
    chosen = of_server(mode="docker", tracker_backend="alltracker")
    assert "alltracker-weights" in bundles_of(chosen)


def test_what_is_not_published_cannot_be_found() -> None:
    (finding,) = judge(Checkpoints(of_server("allegro", "docker"), {}))
    assert finding.verdict is Verdict.FAILURE
    assert "allegro" in finding.found


def test_there_must_be_room_for_what_is_missing(environ: dict[str, str]) -> None:
    """The whole table takes less than what any disk has; a planner of ten exabytes does not."""
    name = "mimicgen-planner"
    for text, expected in (("about 1 MB", Verdict.OK), ("about 10000000000 GB", Verdict.WARNING)):
        bundle = replace(TABLE.bundles[name], size=text)
        mimicgen = replace(TABLE.embodiments["mimicgen"], bundles=(name,))
        table = replace(
            TABLE,
            bundles={**TABLE.bundles, name: bundle},
            embodiments={"mimicgen": mimicgen},
        )
        write_bundle("cotracker-code", environ)
        write_bundle("cotracker-weights", environ)
        findings = judge(Checkpoints(of_server(mode="docker"), environ, table))
        (space,) = (finding for finding in findings if finding.name == "disk space")
        assert space.verdict is expected


def with_hashes(environ: dict[str, str], *names: str) -> Table:
    """Record what these bundles are now, as scripts/pin would."""
    bundles = dict(TABLE.bundles)
    for name in names:
        folder = write_bundle(name, environ)
        files = [
            replace(file, sha256=hashlib.sha256((folder / file.path).read_bytes()).hexdigest())
            for file in bundles[name].files
        ]
        bundles[name] = replace(bundles[name], files=tuple(files))
    return replace(TABLE, bundles=bundles)


def verified(environ: dict[str, str], table: Table, verify: bool = True) -> dict[str, Finding]:
    findings = judge(Checkpoints(of_server("pusht"), environ, table), verify=verify)
    return {finding.name: finding for finding in findings}


def test_without_hashes_checkpoints_are_unverified(environ: dict[str, str]) -> None:
    for name in TABLE.embodiments["pusht"].bundles:
        write_bundle(name, environ)
    for verify in (False, True):
        for finding in verified(environ, TABLE, verify).values():
            assert "unverified: the table records no SHA-256" in finding.found


def test_verify_reads_them(environ: dict[str, str]) -> None:
    table = with_hashes(environ, *TABLE.embodiments["pusht"].bundles)
    assert all("; verified)" in f.found for f in verified(environ, table).values())
    unread = verified(environ, table, verify=False)
    assert all("unverified: --verify reads them" in f.found for f in unread.values())


def test_verify_names_what_was_changed(environ: dict[str, str]) -> None:
    names = TABLE.embodiments["pusht"].bundles
    table = with_hashes(environ, *names)
    for name in names:
        changed = write_bundle(name, environ) / TABLE.bundles[name].files[0].path
        changed.write_bytes(b"0123456789!"[: changed.stat().st_size] + b"?")
        finding = verified(environ, table)[name]
        assert finding.verdict is Verdict.FAILURE
        assert f"{changed} has the SHA-256" in finding.found
        write_bundle(name, environ)
