# SPDX-License-Identifier: Apache-2.0
"""Tables of the benchmarks' results, for a terminal of 100 columns."""

from rich import box
from rich.table import Table

from vera_ros.demo.tables import make_console as make_console


def make_table(title: str, header: bool = True) -> Table:
    """Return a table without columns. `header`: its columns will have names."""
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD if header else None,
        show_header=header,
        pad_edge=False,
    )
