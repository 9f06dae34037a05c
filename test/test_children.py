# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vera_ros.children import harmless_variables

SECRETS = [
    *("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "WANDB_API_KEY", "GITHUB_TOKEN", "GH_PAT"),
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD", "SSH_AUTH_SOCK", "NETRC"),
    *("http_proxy", "HTTPS_PROXY", "DOCKER_HOST", "ROS_SECURITY_KEYSTORE", "LD_PRELOAD"),
    *("PYTHONSTARTUP", "PYTHONPATH", "LD_LIBRARY_PATH", "BASH_ENV", "GIT_SSH_COMMAND"),
    *("VERA_TOKEN", "VERA_TOKEN_FILE", "VERA_CLIENT_KEY", "VERA_PASSWORD", "CUDA_API_TOKEN"),
]
NEEDED = [
    *("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"),
    *("PYTORCH_CUDA_ALLOC_CONF", "TORCHINDUCTOR_CACHE_DIR", "NVIDIA_VISIBLE_DEVICES"),
    *("VERA_DEBUG_DUMP_DIR", "VERA_WAN_CKPT_ROOT"),
]


@pytest.mark.parametrize("name", SECRETS)
def test_what_may_be_secret_or_load_code_is_not_inherited(name: str) -> None:
    assert harmless_variables({name: "x"}, "VERA_") == {}


@pytest.mark.parametrize("name", NEEDED)
def test_what_a_server_needs_is(name: str) -> None:
    assert harmless_variables({name: "x"}, "VERA_") == {name: "x"}


def test_prefixes_are_for_the_caller_to_name() -> None:
    assert harmless_variables({"VERA_WAN_CKPT_ROOT": "x"}) == {}


@given(st.text(), st.sampled_from(["TOKEN", "SECRET", "KEY", "PASSWORD", "CREDENTIALS"]))
def test_no_prefix_lets_a_secret_through(name: str, word: str) -> None:
    assert harmless_variables({f"VERA_{name}_{word}": "x"}, "VERA_") == {}
