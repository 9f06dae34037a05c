# SPDX-License-Identifier: Apache-2.0
import hashlib
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vera_ros.checkpoints.hashes import hash_complaint, sha256_of


@given(content=st.binary(), position=st.integers(min_value=0), bit=st.integers(0, 7))
def test_one_bit_is_enough(content: bytes, position: int, bit: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.ckpt")
        file.write_bytes(content)
        recorded = hashlib.sha256(content).hexdigest()
        assert sha256_of(file) == recorded
        assert hash_complaint(file, recorded) == ""
        changed = bytearray(content or b"\0")
        changed[position % len(changed)] ^= 1 << bit
        file.write_bytes(changed)
        assert f"instead of {recorded}" in hash_complaint(file, recorded)


def test_a_file_larger_than_a_piece(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 3_000_001)
    assert sha256_of(tmp_path / "large") == hashlib.sha256(b"x" * 3_000_001).hexdigest()


def test_a_file_that_cannot_be_read_is_not_verified(tmp_path: Path) -> None:
    assert "cannot be verified: No such file" in hash_complaint(tmp_path / "gone", "0" * 64)
