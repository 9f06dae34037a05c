# SPDX-License-Identifier: Apache-2.0
"""Judged from what nvidia-smi prints for the query."""

import pytest

from vera_ros.doctor.finding import Verdict
from vera_ros.doctor.gpu import Gpu, judge, parse
from vera_ros.doctor.tools import Output

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


def printed(text: str, code: int = 0) -> Output:
    return Output(code, text, "")


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
        (GT_710, "mimicgen", Verdict.FAILURE, "driver 470.223.02 knows no CUDA 12"),
        (RTX_5090, "mimicgen", Verdict.WARNING, "compute capability 12.0"),
        ("\n", "mimicgen", Verdict.FAILURE, "lists no GPU"),
    ],
)
def test_the_gpu_is_judged_by_what_the_server_needs(
    text: str, embodiment: str, expected: Verdict, named: str
) -> None:
    finding = judge(printed(text), embodiment, "")
    assert finding.verdict is expected
    assert named in finding.found
    assert bool(finding.mend) is (expected is not Verdict.OK)


@pytest.mark.parametrize("chosen", ["1", "GPU-3c"])
def test_the_chosen_one_counts(chosen: str) -> None:
    finding = judge(printed(GT_710 + H100), "mimicgen", chosen)
    assert finding.verdict is Verdict.OK
    assert finding.found.startswith("NVIDIA H100 80GB HBM3, ")
    assert judge(printed(GT_710 + H100), "mimicgen", "0").verdict is Verdict.FAILURE


def test_a_chosen_one_that_is_not_there_is_told() -> None:
    finding = judge(printed(GT_710 + H100), "mimicgen", "2")
    assert finding.verdict is Verdict.FAILURE
    assert finding.found == "there is no GPU 2; there is 0, 1"
    assert "VERA_GPU" in finding.mend


def test_the_largest_of_several_counts() -> None:
    finding = judge(printed(GT_710 + H100), "mimicgen", "")
    assert finding.verdict is Verdict.OK
    assert "H100 80GB HBM3 (the largest of 2)" in finding.found


def test_a_gpu_that_does_not_tell_its_memory_is_not_blamed() -> None:
    finding = judge(
        printed("0, GPU-5e, NVIDIA GB10, [N/A], [N/A], 580.95.05, 9.0\n"), "mimicgen", ""
    )
    assert finding.verdict is Verdict.OK
    assert "? of ? free" in finding.found


@pytest.mark.parametrize(("text", "code"), [(NO_DRIVER, 9), (MISMATCH, 18)])
def test_a_driver_that_does_not_answer_is_quoted(text: str, code: int) -> None:
    finding = judge(printed(text, code), "mimicgen", "")
    assert finding.verdict is Verdict.FAILURE
    assert text.split("\n")[0] in finding.found
    assert "driver" in finding.mend
