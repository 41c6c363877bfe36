# SPDX-License-Identifier: Apache-2.0
"""[secrets]: the keys that seal credentials at rest."""

from typing import Any

from oslo_config import cfg

GROUP = "secrets"
opts = [
    cfg.StrOpt(
        "key_repository",
        default="/etc/protector/fernet-keys",
        help="""
Directory of the Fernet keys, made by ``protector-manage secrets setup``.
The highest number seals; all of them open.  Share it between the
controllers of a site.
""",
    ),
]


def register_opts(conf: Any) -> None:
    conf.register_opts(opts, group=GROUP)


def list_opts() -> list[tuple[str, list[Any]]]:
    return [(GROUP, opts)]
