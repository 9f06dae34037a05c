# SPDX-License-Identifier: Apache-2.0
"""What to do about what Docker says when it fails, above all when it finds no GPU."""

_PORT_IN_USE = (
    "stop what uses the port, or choose another server_port or vis_port (vis_port 0: no viewer)"
)
_WITHOUT = "; for a machine without a GPU, set gpu to ''"
_TOOLKIT = (
    "install the NVIDIA container toolkit and introduce it to Docker: sudo nvidia-ctk runtime "
    f"configure --runtime=docker && sudo systemctl restart docker{_WITHOUT}"
)
_DRIVER = (
    "the NVIDIA driver does not run on this machine: install it, or restart after an update, until "
    f"nvidia-smi works{_WITHOUT}"
)
_OLD_DRIVER = "the NVIDIA driver is too old for the image: update it, and restart this machine"
_NO_SUCH_GPU = (
    f"there is no such GPU: set gpu to an index or UUID that nvidia-smi -L shows{_WITHOUT}"
)
_CDI = (
    "renew Docker's list of GPUs: sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml; set "
    f"gpu to an index or UUID that nvidia-smi -L shows{_WITHOUT}"
)
_CGROUPS = (
    "update the NVIDIA container toolkit; with rootless Docker: sudo nvidia-ctk config --in-place "
    "--set nvidia-container-cli.no-cgroups"
)
_ANY_GPU = (
    "see whether the NVIDIA driver works (nvidia-smi), then the NVIDIA container toolkit: docker "
    f"run --rm --gpus all ubuntu nvidia-smi{_WITHOUT}"
)

# The remedy, by what the output contains; the first one found counts.
_GPU = {
    "could not select device driver": _TOOLKIT,
    "invalid runtime name": _TOOLKIT,
    "nvidia-container-runtime": _TOOLKIT,  # not found, with its hook
    'nvidia-container-cli": executable file not found': _TOOLKIT,
    "unsatisfied condition": _OLD_DRIVER,
    "driver version is insufficient": _OLD_DRIVER,
    "forward compatibility": _OLD_DRIVER,
    "cli: device error": _NO_SUCH_GPU,
    "unresolvable cdi devices": _CDI,
    "cgroup subsystem devices": _CGROUPS,
    "bpf_prog_query": _CGROUPS,
    "libnvidia-ml": _DRIVER,
    "nvml error": _DRIVER,
    "initialize nvml": _DRIVER,  # not loaded, or another version than the loaded module
    "driver error": _DRIVER,
    "driver rpc error": _DRIVER,
    "no adapters were found": _DRIVER,
    "no nvidia gpu": _DRIVER,
    "found no nvidia driver": _DRIVER,  # PyTorch, inside
    "no cuda gpus are available": _DRIVER,
    "no cuda-capable device": _DRIVER,
    "/dev/nvidia": _DRIVER,
    "nvidia-container": _ANY_GPU,
    "nvidia.com/gpu": _ANY_GPU,
    "[[gpu]]": _ANY_GPU,
}
_ENGINE = {
    "cannot connect to the docker daemon": "start Docker: sudo systemctl start docker",
    "permission denied": "join the group docker (sudo usermod -aG docker $USER) and log in again",
    "port is already allocated": _PORT_IN_USE,  # by another container
    "address already in use": _PORT_IN_USE,  # by a process of this machine
    "bind source path does not exist": "Docker's engine has no access to that folder: choose an "
    "engine of this machine (docker context ls); with Docker as a snap, a folder below your home",
    "can't open file '/opt/vera/": "the image is older than this vera_ros: build it again",
    "address pools have been fully subnetted": "remove unused networks: docker network prune",
    "no space left on device": "make room: docker system df, docker system prune",
}


def remedy_for(output: str) -> str:
    """Return the remedy for Docker's output, after a semicolon; empty: unknown."""
    return _find(output, _GPU | _ENGINE)


def gpu_remedy_for(output: str) -> str:
    """Return the remedy for a missing GPU, after a semicolon; empty: it is not why.

    Args:
        output: of the container; what it says of ports and permissions is not Docker's.
    """
    return _find(output, _GPU)


def _find(output: str, remedies: dict[str, str]) -> str:
    said = output.lower()
    return next((f"; {remedy}" for cause, remedy in remedies.items() if cause in said), "")
