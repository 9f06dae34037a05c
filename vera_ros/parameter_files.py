# SPDX-License-Identifier: Apache-2.0
"""Checks of ROS parameter files: what no node reads is refused, where ROS silently ignores it.

The launch file uses this in the system's Python: no library but PyYAML is imported.
"""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from vera_ros.errors import ConfigurationError
from vera_ros.parameter_yaml import Entry, entries, read_entry, read_root, twice, unreadable
from vera_ros.ros_command_line import ros_arguments
from vera_ros.ros_rules import check_name

NODES = (
    "ik_node",
    "judge_node",
    "policy_node",
    "reference_server",
    "server_node",
    "sim_node",
)
REMAPPINGS = "remappings"  # read by the launch file and the demo, in the block of all nodes
EVERY_NODE = "/**"

_PACKAGE = "vera_ros"
_ROS_PARAMETERS = "ros__parameters"
_OF_RCLPY = ("use_sim_time", "start_type_description_service")
_QOS = "qos_overrides."
_SHAPE = "valid is a ROS parameter file, like /**/ik_node: {ros__parameters: {speed_scale: 0.5}}"
_WILDCARDS = {"*": r"/\w+", "**": r"(/\w+)*"}  # as rclpy reads them
_MISSPELT = 0.8  # above this similarity (difflib), a name counts as another one misspelt
_FEW = 2  # so many names may be those of a node by chance
_NEAREST = 0.5  # from this similarity on, a name is proposed


@dataclass(frozen=True)
class Block:
    """The parameters below one key of a file.

    Attributes:
        path: of the file.
        key: as it is written; nested keys joined by slashes.
        line: of the key, from 1.
        entries: the parameters, by name; names of nested ones are joined by dots.
        remappings: entries of the parameter `remappings`, in the block of all nodes.
    """

    path: Path
    key: str
    line: int
    entries: Mapping[str, Entry]
    remappings: tuple[str, ...] = ()

    @property
    def pattern(self) -> str:
        """The pattern of the full node names that the block is for."""
        return f"/{self.key.removeprefix('/')}"


def matches(pattern: str, full_name: str) -> bool:
    """Return whether a pattern, like `/**/ik_node`, is for the node of this full name."""
    parts = pattern.removeprefix("/").split("/")
    expression = "".join(_WILDCARDS.get(part, f"/{re.escape(part)}") for part in parts)
    return re.fullmatch(expression, full_name, re.ASCII) is not None


def read_blocks(path: Path) -> tuple[Block, ...]:
    """Read a parameter file.

    Raises:
        ConfigurationError: it cannot be read, holds something outside of `ros__parameters`, or
            gives something twice.
    """
    blocks = tuple(_blocks(path, read_root(path, _SHAPE), ()))
    seen: dict[tuple[str, str], int] = {}
    for block in blocks:  # `ik_node` and `/ik_node` are the same
        for name, entry in block.entries.items():
            if (block.pattern, name) in seen:
                raise twice(path, name, seen[block.pattern, name], entry.line)
            seen[block.pattern, name] = entry.line
    return blocks


def check_blocks(
    blocks: Iterable[Block], namespace: str, declared: Mapping[str, Collection[str] | None]
) -> tuple[str, ...]:
    """Refuse what no node reads; return a warning for each block of a node elsewhere.

    A block must match a node of vera_ros in this namespace, started or not, and each of its
    parameters must be declared by a node that it matches. `remappings` belongs in the block
    `/**`, and rclpy's own parameters are valid anywhere. A block that matches none of the nodes is

    - refused if its key contains or resembles the name of one (another namespace, misspelt), or
      ends in a wildcard;
    - a warning if this namespace has a block of its own for the same node (a file for two arms), or
      if it names another node altogether (a file that is shared with a camera's driver).

    Args:
        blocks: of one file.
        namespace: namespace of the nodes; empty or `/`: none.
        declared: names of each node's parameters, by the node's name; None: not known here, so that
            only the blocks' keys are checked.

    Raises:
        ConfigurationError: for the first mistake, with file, line, key and the nearest valid names.
    """
    prefix = f"/{namespace.strip('/')}".rstrip("/")
    blocks = tuple(blocks)
    warnings = []
    for block in blocks:
        readers = [name for name in declared if matches(block.pattern, f"{prefix}/{name}")]
        if readers:
            _check_parameters(block, readers, declared)
        else:
            warnings.append(_check_foreign(block, blocks, prefix, declared))
    return tuple(warnings)


def why_undeclared(
    name: str, readers: Sequence[str], declared: Mapping[str, Collection[str] | None]
) -> str:
    """Return why a parameter is undeclared: whose it is, or which names are nearest."""
    of = readers[0] if len(readers) == 1 else "any node of this graph"
    owners = [node for node, names in declared.items() if name in (names or ())]
    if owners:
        places = " or ".join(f"'/**/{owner}'" for owner in owners)
        return (
            f"is not a parameter of {of} but of {' and '.join(owners)}; in a file, move it to the "
            f"block {places}"
        )
    valid = {*_OF_RCLPY}.union(*(declared[reader] or () for reader in readers))
    above = name.partition(".")[0]
    if above in valid:
        return (
            f"is nested below '{above}', which takes no names; write its value, or a list in "
            f"[...], behind '{above}:'"
        )
    for part in (name, name.rpartition(".")[2]):  # may be nested by mistake
        near = difflib.get_close_matches(part, sorted(valid), 3, _NEAREST)
        if near:
            return (
                f"is not a parameter of {of}; nearest are {', '.join(near)}: correct or remove it"
            )
    return f"is not a parameter of {of}, nor like one; remove it (see docs/reference/parameters.md)"


def name_sources(message: str, arguments: Sequence[str]) -> str:
    """Return a message about parameters, and the lines of parameter files that give them.

    Args:
        message: has their names in quotes, or with an underscore; one with a file has its line.
        arguments: the command line.
    """
    words = dict.fromkeys(re.findall(r"(?<=')[\w./]+(?=')|\w+_\w+", message))
    paths = ros_arguments(arguments, "--params-file")
    try:
        blocks = [block for path in paths for block in read_blocks(Path(path))]
    except ConfigurationError:  # read too late to be what the message is about
        return message
    places = [
        f"{name}: '{block.path}' line {block.entries[name].line}"
        for block in blocks
        for name in words
        if name in block.entries and not any(path in message for path in paths)
    ]
    return f"{message} ({', '.join(places)})" if places else message


def own_to_rclpy(name: str) -> bool:
    """Return whether rclpy itself declares a parameter of this name, for every node."""
    return name in _OF_RCLPY or name.startswith(_QOS)


def _blocks(
    path: Path, node: yaml.MappingNode, above: tuple[str, ...], line: int = 0
) -> Iterator[Block]:
    for key, key_line, value in entries(node, path, _SHAPE):
        if key == _ROS_PARAMETERS and above and isinstance(value, yaml.MappingNode):
            found = {name: (at, item) for name, at, item in _parameters(path, value, "")}
            given = {name: read_entry(item, at) for name, (at, item) in found.items()}
            block = Block(path, "/".join(above), line, given)
            for part in block.pattern[1:].split("/"):
                if part not in _WILDCARDS:
                    check_name(f"'{path}' line {line}, in the block '{block.key}': a name", part)
            _check_own_to_rclpy(block)
            if block.pattern == EVERY_NODE and REMAPPINGS in found:
                block = replace(block, remappings=_texts(path, *found[REMAPPINGS]))
            yield block
        elif key == _ROS_PARAMETERS:
            what = "has no 'name: value' below it (with a space after the colon)"
            what = what if above else "is not below a node's name"
            raise _unreadable(path, key_line, f"'{key}' {what}")
        elif _alike(key, _ROS_PARAMETERS):
            raise _unreadable(path, key_line, f"'{key}' is misspelt; write {_ROS_PARAMETERS}")
        elif isinstance(value, yaml.MappingNode):
            yield from _blocks(path, value, (*above, key), key_line)
        else:
            what = f"is outside of {_ROS_PARAMETERS}" if value.value else "has nothing below it"
            raise _unreadable(path, key_line, f"'{key}' {what}")


def _parameters(
    path: Path, node: yaml.MappingNode, above: str
) -> Iterator[tuple[str, int, yaml.Node]]:
    for key, line, value in entries(node, path, _SHAPE):
        if isinstance(value, yaml.MappingNode) and f"{above}{key}" != REMAPPINGS:
            yield from _parameters(path, value, f"{above}{key}.")
        else:
            yield f"{above}{key}", line, value


def _texts(path: Path, line: int, node: yaml.Node) -> tuple[str, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise _unreadable(path, line, f"'{REMAPPINGS}' is not a list; write [name:=topic, ...]")
    for item in node.value:
        if not isinstance(item, yaml.ScalarNode):
            raise _unreadable(path, item.start_mark.line + 1, "write a remapping like name:=topic")
    return tuple(str(item.value).strip() for item in node.value)


def _check_own_to_rclpy(block: Block) -> None:
    """Refuse what rclpy itself could not read: it checks before the node can."""
    for name in _OF_RCLPY:
        entry = block.entries.get(name)
        if entry is not None and not isinstance(entry.value, bool):
            raise ConfigurationError(
                f"{where(block, name)}: '{name}' is {entry.text or 'nothing'}; valid is true or "
                "false, without quotes"
            )


def where(block: Block, name: str, item: int | None = None) -> str:
    """Return file, line and block of a parameter, or of a list's item, to begin an error with."""
    entry = block.entries[name]
    line = entry.line if item is None else entry.item_lines[item]
    return f"'{block.path}' line {line}, in the block '{block.key}'"


def _check_parameters(
    block: Block, readers: Sequence[str], declared: Mapping[str, Collection[str] | None]
) -> None:
    for name in block.entries:
        if name == REMAPPINGS:
            if block.pattern != EVERY_NODE:
                raise ConfigurationError(
                    f"{where(block, name)}: '{name}' is read by no node; move it to the block "
                    f"'{EVERY_NODE}'"
                )
        elif not own_to_rclpy(name) and all(
            names is not None and name not in names for names in map(declared.get, readers)
        ):
            raise ConfigurationError(
                f"{where(block, name)}: '{name}' {why_undeclared(name, readers, declared)}"
            )


def _check_foreign(
    block: Block,
    blocks: Sequence[Block],
    prefix: str,
    declared: Mapping[str, Collection[str] | None],
) -> str:
    """Return a warning for a block that matches no node but is acceptable, or refuse it."""
    this = f"'{block.path}' line {block.line}: the block '{block.key}'"
    *spaces, last = block.pattern[1:].split("/")
    own = f"{prefix}/{last}"
    if block.pattern != own and any(other.pattern == own for other in blocks):
        return f"{this} is for another namespace, and nothing in '{prefix or '/'}' reads it"
    near = [EVERY_NODE] if last in _WILDCARDS else []
    near += [f"/**/{name}" for name in declared if name in last or _alike(name, last)]
    near += [f"/**/{name}" for name in declared if name in spaces]
    near += [f"/**/{name}" for name, names in declared.items() if _is_of(block, names or ())]
    if not near and _alike(_PACKAGE, last):  # parameters are of nodes, not of packages
        near = [f"/**/{name}" for name in declared]
    if near:
        proposed = dict.fromkeys((*near, f"{prefix}/{near[0].removeprefix('/**/').strip('/')}"))
        raise ConfigurationError(
            f"{this} is read by no node in the namespace '{prefix or '/'}'; nearest are "
            f"{', '.join(proposed)}: correct the key, or remove the block"
        )
    return f"{this} is for no node of vera_ros, and nothing of it is read here"


def _is_of(block: Block, names: Collection[str]) -> bool:
    """Return whether most parameters of a block are those of a node."""
    own = sum(entry in names for entry in block.entries)
    return own > _FEW and own > len(block.entries) / 2


def _alike(one: str, other: str) -> bool:
    """Return whether one name is the other, misspelt or shortened: `ik`, `IkNode`, `ik_nod`."""
    one, other = (re.sub(r"[_\W]", "", text.lower()) for text in (one, other))
    same = one.removesuffix("node") == other.removesuffix("node")
    return same or difflib.SequenceMatcher(None, one, other).ratio() > _MISSPELT


def _unreadable(path: Path, line: int, why: str) -> ConfigurationError:
    return unreadable(path, line, why, _SHAPE)
