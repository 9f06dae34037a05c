# SPDX-License-Identifier: Apache-2.0
"""A wrong scene file is refused with the name of what is wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from vera_ros.errors import ConfigurationError
from vera_ros.robots.stacking.policy.scene_config import SceneConfig, load_scene_config

CONFIG = Path(__file__).parents[4] / "config" / "reference_policy.yaml"


def test_the_shipped_file_is_valid(scene: SceneConfig) -> None:
    assert scene.cubes.carried.half_size_m < scene.cubes.support.half_size_m


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    *parents, last = path.split(".")

    def apply(data: dict[str, Any]) -> None:
        for parent in parents:
            data = data[parent]
        if value is None:
            del data[last]
        else:
            data[last] = value

    return apply


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("table_z_m", None, r"scene: missing table_z_m"),
        ("table_height", 0.8, r"unknown table_height; valid are table_z_m"),
        ("motion.free_limit", "fast", r"scene\.motion\.free_limit is 'fast'; .* type float"),
        ("motion.free_limit", 1.5, r"scene\.motion: free_limit is 1\.5; .*\(0, 1\]"),
        ("motion.close_steps", 2.5, r"close_steps is 2\.5; .* type int"),
        ("motion.hover_m", float("nan"), r"hover_m is nan; .* finite"),
        ("cubes.carried.hues", 8, r"scene\.cubes\.carried\.hues is 8; .* list"),
        ("cubes.carried.hues", [[0, 8, 9]], r"hues\[0\] .* must have 2 items"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, path: str, value: Any, message: str) -> None:
    data = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    change(path, value)(data)
    file = tmp_path / "scene.yaml"
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=message):
        load_scene_config(file)


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.yaml"):
        load_scene_config(tmp_path / "absent.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"broken\.yaml"):
        load_scene_config(broken)
