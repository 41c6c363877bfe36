# SPDX-License-Identifier: Apache-2.0
"""Keeps the cases of a test for the report of the stage."""

import json
import os
import pathlib

DIRECTORY = "PROTECTOR_MATRIX_COUNTS"


def save(
    matrix: str, name: str, cases: list[list[str]], violations: list[str]
) -> None:
    """To the directory that the stage names, if it does.

    :param cases: what was disturbed, how, and where.
    """
    directory = os.environ.get(DIRECTORY)
    if directory:
        told = {"matrix": matrix, "cases": cases, "violations": violations}
        path = pathlib.Path(directory) / f"{name}.json"
        path.write_text(json.dumps(told))
