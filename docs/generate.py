# SPDX-License-Identifier: Apache-2.0
"""Writes the pages of docs/reference that come from declarations: `python -m docs.generate`."""

import argparse
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import verification.bench.__main__
import verification.chaos.__main__
from vera_ros.bringup.launch_arguments import LAUNCH_ARGUMENTS
from vera_ros.demo import cli as demo
from vera_ros.doctor import cli as doctor
from vera_ros.nodes.common.parameters.declarations import markdown_table
from vera_ros.nodes.declared import PARAMETERS
from vera_ros.security import cli as security
from vera_ros.server.settings import ServerSettings
from vera_ros.server.sources import variables_of

_REFERENCE = Path(__file__).parent / "reference"
_INTERFACES = Path(__file__).parents[1] / "vera_ros_interfaces"
# Variables that no settings class declares, and what they are for.
_OTHER_VARIABLES = {
    "ROS_DOMAIN_ID": "graphs with different numbers do not discover each other",
    "ROS_AUTOMATIC_DISCOVERY_RANGE": "`LOCALHOST` keeps a graph on this machine",
    "FASTRTPS_DEFAULT_PROFILES_FILE, FASTDDS_DEFAULT_PROFILES_FILE": "Fast DDS settings; the "
    "launch argument `dds_profile` sets them for its nodes",
    "ROS_SECURITY_ENABLE, ROS_SECURITY_KEYSTORE, ROS_SECURITY_STRATEGY": "the graph has keys, see "
    "[secure the graph](../how_to/secure_the_graph.md); the launch argument `keystore` sets them "
    "for its nodes",
    "VERA_DOCTOR_OPTIONS": "options of `scripts/doctor` for its part of `ros2 doctor`",
    "ROS_HOME": "where a hold is kept, see `hold_file`; empty: `~/.ros`",
    "MUJOCO_GL": "how sim_node renders: `egl`, `osmesa` or `glfw`; empty: the first that works",
    "NUMBA_CACHE_DIR": "where compiled motion code is kept; empty: below the user's cache folder",
}
_KINDS = {
    "msg": ("Messages", ("",)),
    "srv": ("Services", ("Request", "Response")),
    "action": ("Actions", ("Goal", "Result", "Feedback")),
}
_CONSTANT = re.compile(r"\w+ (?P<name>[A-Z]\w*) = (?P<value>\d+)\s*(?:# ?(?P<text>.*))?")
_FIELD = re.compile(r"(?P<type>[\w/\[\]]+) (?P<name>[a-z]\w*)\s*(?:# ?(?P<text>.*))?")
_DO = " -> "  # in a constant's comment: what it means, and what to do


def fill_in_tables(text: str) -> str:
    """Return the text with every node's table between its two markers as it is declared now."""
    for node, parameters in PARAMETERS.items():
        begin, end = f"<!-- parameters of {node} -->", f"<!-- end of {node} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"the text needs the markers {begin} and {end}, once")
        before, after = pattern.split(text)
        text = f"{before}{begin}\n\n{markdown_table(parameters)}\n\n{end}{after}"
    return text


def interface_page() -> str:
    """Return the page of all messages, services and actions, from their definitions."""
    lines = ["# Messages, services, actions: every field and constant", ""]
    for kind, (title, parts) in _KINDS.items():
        lines += [f"## {title}", ""]
        for file in sorted((_INTERFACES / kind).glob(f"*.{kind}")):
            lines += [f"### {file.stem}", ""]
            sections = file.read_text().split("\n---\n")
            for part, section in zip(parts, sections, strict=True):
                lines += _section(part, section)
    return "\n".join(lines).rstrip() + "\n"


def _section(part: str, section: str) -> Iterator[str]:
    """Yield comments, constants and fields of a message, or of one part of a service or action."""
    if part:
        yield from (f"**{part}**", "")
    rows: list[tuple[str, ...]] = []
    for line in [*section.splitlines(), ""]:
        if (constant := _CONSTANT.fullmatch(line)) is not None:
            meaning, _, todo = (constant["text"] or "").partition(_DO)
            rows.append((f"`{constant['name']}`", constant["value"], meaning, todo))
        elif (field := _FIELD.fullmatch(line)) is not None:
            rows.append((f"`{field['name']}`", f"`{field['type']}`", field["text"] or ""))
        else:
            yield from _table(rows)
            rows.clear()
            if line.startswith("# "):
                yield line[2:]
            elif not line:
                yield ""
    if not section.strip():
        yield from ("(empty)", "")


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    heads = ["field", "type", "meaning"]
    if len(rows[0]) == 4:
        heads = ["constant", "value", "meaning", "what to do"]
        if not any(row[3] for row in rows):
            heads, rows = heads[:3], [row[:3] for row in rows]
    yield from _markdown(tuple(heads), rows)


def launch_page() -> str:
    """Return the page of the launch files' arguments."""
    rows = [
        (
            f"`{a.name}`",
            _code(a.default),
            ", ".join(a.choices or ()),
            a.description,
        )
        for a in LAUNCH_ARGUMENTS
    ]
    lines = [
        "# Launch arguments",
        "",
        "`ros2 launch vera_ros mimicgen_panda.launch.py NAME:=VALUE ...`, and the same for the",
        "launch files of other embodiments; other arguments are refused.",
        *_markdown(("argument", "default", "choices", "meaning"), rows),
    ]
    return "\n".join(lines) + "\n"


def environment_page() -> str:
    """Return the page of all environment variables that are read."""
    settings = [
        (
            ", ".join(f"`{variable}`" for variable in variables_of(name, "<embodiment>")),
            _code(field.default),
            field.description or "",
        )
        for name, field in ServerSettings.model_fields.items()
    ]
    others = [
        (", ".join(f"`{name}`" for name in names.split(", ")), meaning)
        for names, meaning in _OTHER_VARIABLES.items()
    ]
    lines = [
        "# Environment variables",
        "",
        "## Of the policy server",
        "",
        "Each overrides the parameter of the same name of `server_node`; empty counts as unset.",
        "Further names are those that other packages have for the same; the first wins.",
        "The launch file and `scripts/demo` read `VERA_SERVER_MODE`, `VERA_SERVER_HOST`,",
        "`VERA_SERVER_PORT`, `VERA_MOTION_PLAN_SCALE` and `VERA_SAMPLE_STEPS` as well.",
        *_markdown(("variable", "default", "meaning"), settings),
        "",
        "## Of ROS and libraries",
        *_markdown(("variable", "meaning"), others),
    ]
    return "\n".join(lines) + "\n"


def command_page() -> str:
    """Return the page of all command lines."""
    lines = ["# Command lines"]
    for name, parser in (
        ("scripts/demo", demo.make_parser()),
        ("scripts/doctor", doctor.make_parser()),
        ("ros2 run vera_ros security_policy", security.make_parser()),
        ("scripts/chaos", verification.chaos.__main__.make_parser()),
        ("scripts/bench", verification.bench.__main__.make_parser()),
    ):
        lines += ["", f"## {name}", "", *_options(parser)]
    return "\n".join(lines) + "\n"


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the description and options of a parser, and the same of its subcommands."""
    yield (parser.description or "").strip().split("\n\n")[0].replace("\n", " ")
    rows, commands = [], {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            commands = action.choices
        elif not isinstance(action, argparse._HelpAction | argparse._VersionAction):
            value = action.metavar or "|".join(map(str, action.choices or ()))
            option = f"{', '.join(action.option_strings)} {value}".strip()
            rows.append((f"`{option}`", (action.help or "").replace("\n", " ")))
    if rows:
        yield from _markdown(("option", "meaning"), rows)
    for name, command in commands.items():
        yield from ("", f"### {parser.prog} {name}", "")
        yield from _options(command)


def _code(value: object) -> str:
    return f"`{value}`" if value != "" else ""


def _markdown(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


def pages() -> dict[Path, str]:
    """Return the text of every generated page, by its path, from the present declarations."""
    parameters = _REFERENCE / "parameters.md"
    return {
        parameters: fill_in_tables(parameters.read_text()),
        _REFERENCE / "messages.md": interface_page(),
        _REFERENCE / "launch_arguments.md": launch_page(),
        _REFERENCE / "environment_variables.md": environment_page(),
        _REFERENCE / "command_lines.md": command_page(),
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text)
