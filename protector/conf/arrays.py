# SPDX-License-Identifier: Apache-2.0
"""[<array>]: one group for each name in ``[storage] arrays``."""

from typing import Any

from oslo_config import cfg

opts = [
    cfg.StrOpt(
        "management_address",
        help="host or host:port of the array's management interface.",
    ),
    cfg.StrOpt("api_token", secret=True, help="API token of the array."),
    cfg.StrOpt(
        "ca_file", help="CA bundle that the array's certificate must fit."
    ),
    cfg.BoolOpt(
        "verify", default=True, help="Whether to check that certificate."
    ),
    cfg.StrOpt(
        "site", help="Name or id of the site whose Cinder uses the array."
    ),
    cfg.StrOpt(
        "backend",
        help="Cinder backend on the array, as in host@backend#pool.",
    ),
]


def register_opts(conf: Any, names: list[str]) -> None:
    for name in names:
        conf.register_opts(opts, group=name)


def list_opts() -> list[tuple[str, list[Any]]]:
    return [("array-a", opts)]
