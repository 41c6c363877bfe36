# SPDX-License-Identifier: Apache-2.0
"""The list of options for ``oslo-config-generator``."""

from typing import Any

from protector import conf
from protector.conf import arrays


def list_opts() -> list[tuple[str, list[Any]]]:
    """``[(group, options)]`` of every group, arrays by an example."""
    found = [pair for module in conf.GROUPS for pair in module.list_opts()]
    return found + arrays.list_opts()
