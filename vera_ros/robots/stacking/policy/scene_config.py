# SPDX-License-Identifier: Apache-2.0
"""Configuration of the stacking task: a typed, checked view of a YAML file."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
import yaml

from vera_ros.errors import ConfigurationError

T = TypeVar("T")


@dataclass(frozen=True)
class CubeConfig:
    """A cube's half edge and its OpenCV hue ranges (0 to 180)."""

    half_size_m: float
    hues: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class CubesConfig:
    """The cube that is carried and the one that it is stacked on."""

    carried: CubeConfig
    support: CubeConfig


@dataclass(frozen=True)
class ColourConfig:
    """Ranges of colour, [first, last] each (OpenCV's HSV: hues to 180, the others to 255)."""

    hues: tuple[int, int]
    saturations: tuple[int, int]
    values: tuple[int, int]


@dataclass(frozen=True)
class SegmentationConfig:
    """Colours that tell cube from table (OpenCV's HSV)."""

    cube_min_saturation: int
    cube_min_value: int
    tables: tuple[ColourConfig, ...]
    min_pixels: int


@dataclass(frozen=True)
class LocalisationConfig:
    """How well a cube's silhouette must fit the pictures."""

    soft_edge_px: float
    sharp_edge_px: float
    min_overlap: float
    min_visible: float


@dataclass(frozen=True)
class MotionConfig:
    """Heights, limits and tolerances of the moves; the YAML file explains each."""

    free_limit: float
    near_limit: float
    rotation_limit: float
    nominal_yaw_rad: float
    yaw_range_rad: float
    hover_m: float
    grasp_height_m: float
    carry_m: float
    clear_m: float
    place_gap_m: float
    retreat_m: float
    look_position_m: tuple[float, float, float]
    look_radius_m: float
    position_tolerance_m: float
    slope: float
    yaw_tolerance_rad: float
    look_distance_m: float
    close_distance_m: float
    close_steps: int
    open_steps: int
    finger_span_m: tuple[float, float]
    finger_width_m: float
    finger_clearance_m: float
    open_gap_m: float
    held_tolerance_m: float

    def __post_init__(self) -> None:
        for name in ("free_limit", "near_limit", "rotation_limit"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigurationError(f"{name} is {getattr(self, name)}; it must be in (0, 1]")


@dataclass(frozen=True)
class TowerConfig:
    """When the carried cube counts as standing on the support."""

    max_offset_m: float
    max_height_error_m: float


@dataclass(frozen=True)
class SceneConfig:
    """What the reference policy knows of the task in advance. Base frame, m, rad."""

    table_z_m: float
    cubes: CubesConfig
    segmentation: SegmentationConfig
    localisation: LocalisationConfig
    motion: MotionConfig
    tower: TowerConfig


def load_scene_config(path: Path) -> SceneConfig:
    """Read and check a scene file.

    Raises:
        ConfigurationError: the file is missing, is no YAML, or a value in it is missing, unknown,
            of the wrong type or out of range; the message names it.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"cannot read the scene file {path}: {error}") from error
    return parse(SceneConfig, data, "scene")


def parse(kind: type[T], value: Any, where: str) -> T:
    """Turn plain YAML data into `kind`, a dataclass of the types used above.

    Raises:
        ConfigurationError: it does not fit; `where` and the field's name say what.
    """
    result: T = _parse(kind, value, where)
    return result


def _parse(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind):
        return _parse_dataclass(kind, value, where)
    if get_origin(kind) is tuple:
        return _parse_tuple(get_args(kind), value, where)
    return _parse_scalar(kind, value, where)


def _parse_dataclass(kind: Any, value: Any, where: str) -> Any:
    items, hints = _mapping(value, where), get_type_hints(kind)
    missing = [f.name for f in fields(kind) if f.name not in items and f.default is MISSING]
    unknown = [str(name) for name in items if name not in hints]
    if missing or unknown:
        raise ConfigurationError(
            f"{where}: missing {', '.join(missing) or 'nothing'}; "
            f"unknown {', '.join(unknown) or 'nothing'}; valid are {', '.join(hints)}"
        )
    parsed = {name: _parse(hints[name], item, f"{where}.{name}") for name, item in items.items()}
    try:
        return kind(**parsed)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from error


def _parse_tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ConfigurationError(f"{where} is {value!r}; it must be a list")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise ConfigurationError(f"{where} is {value!r}; it must have {len(kinds)} items")
    return tuple(
        _parse(kind, item, f"{where}[{i}]")
        for i, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _parse_scalar(kind: Any, value: Any, where: str) -> Any:
    accepted = (int, float) if kind is float else (kind,)
    if isinstance(value, bool) or not isinstance(value, accepted):
        raise ConfigurationError(f"{where} is {value!r}; it must be of type {kind.__name__}")
    if kind is float and not np.isfinite(value):
        raise ConfigurationError(f"{where} is {value!r}; it must be finite")
    return kind(value)


def _mapping(value: Any, where: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where} is {value!r}; it must be a map")
    return value
