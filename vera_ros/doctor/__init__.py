# SPDX-License-Identifier: Apache-2.0
"""doctor: says whether this machine can run vera_ros, and what to do if not.

How a run goes:

    cli, options     what is asked
    checks           the one table of what is looked at, in the order of the page
    runner           all checks at once, each with a deadline
    page, report     the findings in a terminal, and as JSON

Every other module is an area: it gathers facts (by `tools`, from files, or by a program in
`probes/`, which may hang or crash without harm) and judges them in functions without side effects.
ROS and the heavy libraries are imported in `probes/` alone, so the page also comes up where nothing
is installed yet.
"""
