# SPDX-License-Identifier: Apache-2.0
"""What to do about what Docker says."""

import pytest

from vera_ros.server.docker_remedies import gpu_remedy_for, remedy_for

HOOK = (
    "docker: Error response from daemon: failed to create task for container: failed to create "
    "shim task: OCI runtime create failed: runc create failed: unable to start container process: "
    "error during container init: error running prestart hook #0: exit status 1, stdout: , stderr: "
    "Auto-detected mode as 'legacy'\n"
)
TOOLKIT = "install the NVIDIA container toolkit"
DRIVER = "until nvidia-smi works"


@pytest.mark.parametrize(
    "said",
    [
        "Bind for 127.0.0.1:8801 failed: port is already allocated",
        # Before and since version 28, where the holder is no container.
        "Error starting userland proxy: listen tcp4 127.0.0.1:8801: bind: address already in use",
        "failed to bind host port 127.0.0.1:8801/tcp: address already in use",
    ],
)
def test_a_busy_port_may_be_either_of_two(said: str) -> None:
    remedy = remedy_for(f"docker: Error response from daemon: {said}\n")
    assert "server_port or vis_port" in remedy
    assert gpu_remedy_for(said) == ""


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ('could not select device driver "" with capabilities: [[gpu]].', TOOLKIT),
        ('could not select device driver "nvidia" with capabilities: [[gpu compute]].', TOOLKIT),
        ("unknown or invalid runtime name: nvidia.", TOOLKIT),
        ('exec: "nvidia-container-runtime-hook": executable file not found in $PATH', TOOLKIT),
        ('exec: "nvidia-container-cli": executable file not found in $PATH', TOOLKIT),
        ("nvidia-container-cli: initialization error: nvml error: driver not loaded", DRIVER),
        (
            "nvidia-container-cli: initialization error: load library failed: libnvidia-ml.so.1: "
            "cannot open shared object file: no such file or directory",
            DRIVER,
        ),
        ("nvidia-container-cli: initialization error: driver rpc error: timed out", DRIVER),
        ("nvidia-container-cli: initialization error: driver error: failed to process", DRIVER),
        ("WSL environment detected but no adapters were found", DRIVER),
        ("Failed to initialize NVML: Driver/library version mismatch", DRIVER),
        ('gathering device information: "/dev/nvidia0": no such file or directory', DRIVER),
        ("nvidia-container-cli: device error: 7: unknown device", "nvidia-smi -L shows"),
        ("nvidia-container-cli: device error: GPU-1f: unknown device", "nvidia-smi -L shows"),
        ("CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=0", "cdi generate"),
        (
            "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8, please "
            "update your driver to a newer version, or use an earlier cuda container",
            "too old",
        ),
        ("nvidia-container-cli: container error: cgroup subsystem devices not found", "rootless"),
        (
            "nvidia-container-cli: mount error: failed to add device rules: bpf_prog_query("
            "BPF_CGROUP_DEVICE) failed: operation not permitted",
            "rootless",
        ),
        ("nvidia-container-cli: mount error: permission denied", "docker run --rm --gpus all"),
        ("nvidia-container-cli: ldcache error: open failed: /sbin/ldconfig.real", "nvidia-smi"),
    ],
)
def test_every_way_to_say_that_there_is_no_gpu_has_a_remedy(said: str, remedy: str) -> None:
    for output in (f"{HOOK}{said}: unknown\n", f"docker: Error response from daemon: {said}\n"):
        assert remedy in remedy_for(output)
        assert remedy in gpu_remedy_for(output)


@pytest.mark.parametrize(
    "said",
    [
        "RuntimeError: No CUDA GPUs are available",
        "RuntimeError: Found no NVIDIA driver on your system.",
        "RuntimeError: CUDA error: no CUDA-capable device is detected",
        "RuntimeError: The CUDA driver version is insufficient for CUDA runtime version",
    ],
)
def test_the_server_inside_may_be_the_one_that_says_it(said: str) -> None:
    assert "nvidia" in gpu_remedy_for(said).lower()


@pytest.mark.parametrize(
    "said",
    [
        "torch.OutOfMemoryError: CUDA out of memory.",
        "FutureWarning: The pynvml package is deprecated.",
        "Collecting nvidia-cublas-cu12==12.4.5.8",
        "PermissionError: [Errno 13] Permission denied: '/ckpts'",
        "OSError: [Errno 98] Address already in use",
    ],
)
def test_what_else_a_server_says_is_not_about_a_missing_gpu(said: str) -> None:
    assert gpu_remedy_for(said) == ""


def test_what_is_not_known_has_no_remedy() -> None:
    assert remedy_for("docker: unknown flag: --gpu") == ""


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("python: can't open file '/opt/vera/docker/vera_server/relay.py': [Errno 2]", "build it"),
        (
            "Error response from daemon: all predefined address pools have been fully subnetted",
            "prune",
        ),
    ],
)
def test_what_the_door_may_lack(said: str, remedy: str) -> None:
    assert remedy in remedy_for(said)
