# SPDX-License-Identifier: Apache-2.0
"""Judged from what nvidia-smi prints for the query."""

import pytest

from vera_ros.doctor.checks.gpu import Gpu, judge, parse
from vera_ros.doctor.facts.tools import Output
from vera_ros.doctor.finding import Finding, NotCheckedError, Verdict
from vera_ros.server.settings import ServerSettings

RTX_4090 = "0, GPU-1a, NVIDIA GeForce RTX 4090, 24564, 24142, 550.54.14, 8.9\n"
RTX_5090 = "0, GPU-2b, NVIDIA GeForce RTX 5090, 32607, 32110, 570.86.16, 12.0\n"
H100 = "1, GPU-3c, NVIDIA H100 80GB HBM3, 81559, 81008, 550.90.07, 9.0\n"
GT_710 = "0, GPU-4d, NVIDIA GeForce GT 710, 2001, 1800, 470.223.02, 3.5\n"
NO_DRIVER = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that "
    "the latest NVIDIA driver is installed and running.\n\n"
)
MISMATCH = (
    "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.54\n"
)


def judged(
    text: str,
    *,
    code: int = 0,
    embodiment: str = "mimicgen",
    gpu: str = "0",
    environ: dict[str, str] | None = None,
) -> Finding:
    """Of a container's GPU; with an environment, of those that a process sees."""
    mode = "docker" if environ is None else "subprocess"
    chosen = {"server_mode": mode, "embodiment": embodiment, "gpu": gpu}
    settings = ServerSettings.model_validate(chosen)
    return judge(Output(code, text, ""), settings, environ or {})


def test_every_column_is_read() -> None:
    assert parse(RTX_4090) == [
        Gpu("0", "GPU-1a", "NVIDIA GeForce RTX 4090", 24564, 24142, "550.54.14", (8, 9))
    ]


@pytest.mark.parametrize(
    ("text", "embodiment", "expected", "named"),
    [
        (H100, "mimicgen", Verdict.OK, "79 GiB of 80 GiB free, driver 550.90.07"),
        (RTX_4090, "mimicgen", Verdict.OK, "RTX 4090"),
        (RTX_4090, "droid", Verdict.WARNING, "droid takes about 59 GiB"),
        (H100.replace("81008", "9000"), "mimicgen", Verdict.WARNING, "9 GiB of 80 GiB free"),
        (H100.replace("550.90.07", "535.183.01"), "mimicgen", Verdict.WARNING, "CUDA 12.4"),
        (GT_710, "mimicgen", Verdict.FAILURE, "driver 470.223.02 does not support CUDA 12"),
        (RTX_5090, "mimicgen", Verdict.WARNING, "compute capability 12.0"),
        ("\n", "mimicgen", Verdict.FAILURE, "lists no GPU"),
    ],
)
def test_the_gpu_is_judged_by_what_the_server_needs(
    text: str, embodiment: str, expected: Verdict, named: str
) -> None:
    finding = judged(text.replace("1, ", "0, ", 1), embodiment=embodiment)
    assert finding.verdict is expected
    assert named in finding.found
    assert bool(finding.mend) is (expected is not Verdict.OK)


@pytest.mark.parametrize("chosen", ["1", "GPU-3c"])
def test_the_chosen_one_counts(chosen: str) -> None:
    for finding in (
        judged(GT_710 + H100, gpu=chosen),
        judged(GT_710 + H100, environ={"CUDA_VISIBLE_DEVICES": chosen}),
    ):
        assert finding.verdict is Verdict.OK
        assert finding.found.startswith("NVIDIA H100 80GB HBM3, ")
    assert judged(GT_710 + H100, gpu="0").verdict is Verdict.FAILURE


def test_a_chosen_one_that_is_not_there_is_told() -> None:
    for environ, variable in ((None, "VERA_GPU"), ({"CUDA_VISIBLE_DEVICES": "2"}, "CUDA_VISIBLE")):
        finding = judged(GT_710 + H100, gpu="2", environ=environ)
        assert finding.verdict is Verdict.FAILURE
        assert finding.found == "there is no GPU 2; valid is 0, 1"
        assert variable in finding.mend


@pytest.mark.parametrize(
    ("environ", "expected", "found"),
    [
        ({"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, Verdict.WARNING, "NVIDIA GeForce RTX 5090: compute"),
        ({"CUDA_VISIBLE_DEVICES": "GPU-3c,GPU-2b"}, Verdict.OK, "NVIDIA H100 80GB HBM3, "),
        ({"CUDA_VISIBLE_DEVICES": "1,-1,0"}, Verdict.OK, "NVIDIA H100 80GB HBM3, "),
        ({}, Verdict.WARNING, "VERA uses the first of NVIDIA GeForce RTX 5090, NVIDIA H100"),
        ({"CUDA_VISIBLE_DEVICES": "1,0"}, Verdict.WARNING, "may number them in another order"),
    ],
)
def test_of_several_that_a_process_sees_the_first_counts(
    environ: dict[str, str], expected: Verdict, found: str
) -> None:
    finding = judged(RTX_5090 + H100, environ=environ)
    assert finding.verdict is expected
    assert found in finding.found


@pytest.mark.parametrize("environ", [None, {"CUDA_VISIBLE_DEVICES": ""}])
def test_a_server_that_is_shown_none_is_warned_of(environ: dict[str, str] | None) -> None:
    finding = judged(H100, gpu="", environ=environ)
    assert finding.verdict is Verdict.WARNING
    assert "no GPU is visible to VERA" in finding.found


def test_a_part_of_a_gpu_is_one_of_the_only_gpu() -> None:
    assert judged(H100, gpu="MIG-4f").verdict is Verdict.OK
    with pytest.raises(NotCheckedError, match="which GPU MIG-4f is a part of"):
        judged(GT_710 + H100, gpu="MIG-4f")


def test_a_gpu_that_does_not_tell_its_memory_is_not_blamed() -> None:
    finding = judged("0, GPU-5e, NVIDIA GB10, [N/A], [N/A], 580.95.05, 9.0\n")
    assert finding.verdict is Verdict.OK
    assert "? of ? free" in finding.found


@pytest.mark.parametrize(("text", "code"), [(NO_DRIVER, 9), (MISMATCH, 18)])
def test_a_driver_that_does_not_answer_is_quoted(text: str, code: int) -> None:
    finding = judged(text, code=code)
    assert finding.verdict is Verdict.FAILURE
    assert text.split("\n")[0] in finding.found
    assert "driver" in finding.mend
