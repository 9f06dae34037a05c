# SPDX-License-Identifier: Apache-2.0
"""The doctor command: checks whether this machine can run vera_ros, and says what to do if not.

The parts of a run:

    cli, options    the command line
    checks          the table of all checks, in the order of the page, and their functions
    runner          runs all checks in parallel, each with a deadline
    facts, probes   what the checks judge, each gathered once
    pages           the findings in a terminal, and as JSON

A check gathers facts (with `facts.tools`, from files, or from a program in `probes/`, which may
hang or crash without harm) and judges them in functions without side effects. ROS and the heavy
libraries are imported in `probes/` only, so the page also appears where nothing is installed yet.
"""
