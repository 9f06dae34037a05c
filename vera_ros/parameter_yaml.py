# SPDX-License-Identifier: Apache-2.0
"""Reads the YAML of ROS parameter files with line numbers, and writes what rcl can read.

rcl reads less than people write: it fails on `[1, 0.5]`, on a key without a value and on a byte
order mark, takes `null` for a text and `010` for 8. So the nodes read their files here, and give
rcl a plain copy.
"""

import codecs
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vera_ros.errors import ConfigurationError
from vera_ros.printable import excerpt

_TRUTH = {  # as in rcl
    form: word in ("y", "yes", "true", "on")
    for word in ("y", "yes", "true", "on", "n", "no", "false", "off")
    for form in (word, word.capitalize(), word.upper())
}
_NOTHING = frozenset(["", "~", "null", "Null", "NULL"])
_COLONS = re.compile(r"([\w.]+): +(\w.*: .*)")  # a name, and a text with a colon
# A leading zero makes a number octal to some readers: such a number is left a text.
_WHOLE = re.compile(r"[-+]?(0|[1-9]\d{0,17})", re.ASCII)
_DECIMAL = re.compile(
    r"[-+]?(\d+\.\d*|\.\d+|(0|[1-9]\d*)(?=[eE]))([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    re.ASCII,
)
_YAML = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Entry:
    """One parameter of a file.

    Attributes:
        line: of its name, from 1.
        value: a bool, int, float, str or list of these; None: nothing is given. Whole numbers among
            decimals are decimals, and among texts, texts. What ROS has no type for is a list of
            several types, or a dict.
        text: the value as it is written, shortened.
        item_lines: of each item of a list, from 1.
    """

    line: int
    value: Any
    text: str = ""
    item_lines: tuple[int, ...] = ()


class _Loader(yaml.BaseLoader):
    """Leaves scalars as they are written, and refuses aliases, which rcl cannot read."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem=f"ROS reads no aliases, like '*{event.anchor}'; write the values out",
                problem_mark=event.start_mark,
            )
        return super().compose_node(parent, index)


class _Dumper(yaml.SafeDumper):
    """Writes every text in quotes: what is a text to PyYAML may be a number to rcl."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar(f"{_YAML}str", text, style='"')
)


def read_root(path: Path, shape: str) -> yaml.MappingNode:
    """Return the mapping that a parameter file holds.

    Args:
        path: of the file.
        shape: ends each error; says what a parameter file looks like.

    Raises:
        ConfigurationError: it cannot be read, or holds something else.
    """
    text = _read_text(path)
    try:
        root = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        raise unreadable(path, *_explain(error, text), shape) from error
    if not isinstance(root, yaml.MappingNode):
        kind = "a list" if isinstance(root, yaml.SequenceNode) else "text"
        raise ConfigurationError(
            f"parameter file '{path}' holds {kind if root else 'nothing'}; {shape}"
        )
    return root


def entries(node: yaml.MappingNode, path: Path, shape: str) -> Iterator[tuple[str, int, yaml.Node]]:
    """Yield name, line and value of a mapping's entries, and refuse duplicates."""
    seen: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise unreadable(path, line, f"{_source(key)} is no name", shape)
        name = key.value.strip()
        if name in seen:
            raise twice(path, name, seen[name], line)
        seen[name] = line
        yield name, line, value


def read_entry(node: yaml.Node, line: int) -> Entry:
    """Return a parameter with its value, in the types that rcl has."""
    items = node.value if isinstance(node, yaml.SequenceNode) else ()
    lines = tuple(item.start_mark.line + 1 for item in items)
    return Entry(line, _value(node), _source(node), lines)


def write_plain(path: Path, blocks: Iterable[tuple[str, Mapping[str, Entry]]]) -> None:
    """Write parameters, each block with its key, in a form that rcl reads without an error.

    What has no type in ROS is left out: no node can read it.
    """
    content: dict[str, dict[str, dict[str, Any]]] = {}
    for key, given in blocks:
        values = {name: entry.value for name, entry in given.items() if _has_type(entry.value)}
        if values:
            content.setdefault(key, {"ros__parameters": {}})["ros__parameters"] |= values
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(content, file, _Dumper, allow_unicode=True, width=math.inf, sort_keys=False)


def unreadable(path: Path, line: int, why: str, shape: str) -> ConfigurationError:
    """Return the error of a file that cannot be read; line 0: no certain one."""
    where = f"line {line}: " if line else ""
    return ConfigurationError(f"parameter file '{path}' cannot be read: {where}{why}; {shape}")


def twice(path: Path, name: str, first: int, second: int) -> ConfigurationError:
    """Return the error of a name that is given in two lines."""
    return ConfigurationError(
        f"parameter file '{path}' cannot be read: '{name}' is given in line {first} and again in "
        f"line {second}; keep one of them"
    )


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"there is no parameter file '{path}'; correct the path (a relative one begins at "
            f"'{Path.cwd()}')"
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"parameter file '{path}' cannot be read: {error.strerror}; give the path of a file "
            "that this user may read"
        ) from error
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"parameter file '{path}' cannot be read: line {line}: the byte "
            f"0x{data[error.start]:02x} is not UTF-8; save the file in the encoding UTF-8"
        ) from error


def _explain(error: Exception, text: str) -> tuple[int, str]:
    """Return the line of an error of PyYAML, or 0, and the reason in one line."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return line, f"there is the character #x{error.character:02x}; save the file as plain UTF-8"
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        return 0, f"it is nested too deeply ({error})"
    lines = text.splitlines()
    line = min(mark.line, len(lines) - 1)
    if "\t" in lines[line]:
        return line + 1, "there is a tab; write spaces"
    why, line_text = str(getattr(error, "problem", "")), lines[line].strip()
    colons = _COLONS.fullmatch(line_text) if "mapping values" in why else None
    if colons:
        return line + 1, f"a text with a colon needs quotes; write {colons[1]}: {colons[2]!r}"
    if "aliases" not in why:
        begun = getattr(error, "context_mark", None)
        since = f", in what begins in line {begun.line + 1}" if begun and begun.line < line else ""
        why = (
            f"{line_text!r}: {why}{since}; look at indentation, colons, quotes and "
            "brackets here and in the line before"
        )
    return line + 1, why


def _value(node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        values = [_value(item) for item in node.value]
        kinds = {type(value) for value in values}
        common = float if kinds == {int, float} else str if kinds == {int, str} else None
        return values if common is None else [common(value) for value in values]
    if not isinstance(node, yaml.ScalarNode) or not node.tag.startswith(_YAML):  # !env, !include
        return {}
    text = str(node.value)
    if node.style is not None:  # in quotes, or a block of text
        return text
    if text in _NOTHING:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(re.sub(r"\.(?=[in])", "", text.lower()))  # Python writes inf and nan
    return text


def _has_type(value: Any) -> bool:
    if isinstance(value, list):
        kinds = {type(item) for item in value}
        return len(kinds) <= 1 and kinds <= {bool, int, float, str}
    return isinstance(value, bool | int | float | str)


def _source(node: yaml.Node) -> str:
    """Return a node's text as it stands in the file, in one line."""
    text = str(node.start_mark.buffer)[node.start_mark.pointer : node.end_mark.pointer]
    return excerpt(" ".join(text.rstrip("\0").split()))
