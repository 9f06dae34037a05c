# SPDX-License-Identifier: Apache-2.0
"""Small robot descriptions, written where they are needed."""

from collections.abc import Sequence

LIMIT = '<limit lower="-1" upper="1" velocity="2" effort="3"/>'


def robot(links: Sequence[str], joints: Sequence[tuple[str, str, str, str, str]]) -> str:
    """A URDF of links and joints (name, type, parent, child, limit)."""
    return "".join(
        [
            "<robot name='small'>",
            *(f"<link name='{link}'/>" for link in links),
            *(
                f"<joint name='{name}' type='{kind}'>"
                f"<parent link='{parent}'/><child link='{child}'/>"
                f"<origin xyz='0.1 0 0.2' rpy='0.3 0 0'/><axis xyz='0 0 1'/>{limit}</joint>"
                for name, kind, parent, child, limit in joints
            ),
            "</robot>",
        ]
    )


CHAIN = [("a", "revolute", "base", "one", LIMIT), ("b", "revolute", "one", "two", LIMIT)]
