# SPDX-License-Identifier: Apache-2.0
"""protector-status upgrade check: is the site ready for this release?"""

from collections.abc import Sequence
import pathlib
import sys
from typing import Any

from oslo_config import cfg
from oslo_db import exception as db_exc
from oslo_upgradecheck import upgradecheck

from protector import exception, runtime, secrets, service
from protector.db import migration
from protector.db.api import sites

Result = upgradecheck.Result
Code = upgradecheck.Code


class Checks(upgradecheck.UpgradeCommands):
    """The checks, each looking only.

    :param built: the runtime whose configuration and database are checked.
    """

    def __init__(self, built: runtime.Runtime) -> None:
        self._built = built
        super().__init__()

    def check_schema(self) -> Any:
        have, want = migration.version(self._built.db), migration.head()
        if have == want:
            return Result(Code.SUCCESS)
        return Result(
            Code.FAILURE,
            f"The database is at {have or 'none'}, this release wants "
            f"{want}: run 'protector-manage db sync'.",
        )

    def check_keys(self) -> Any:
        repository = self._built.conf.secrets.key_repository
        if secrets.key_numbers(pathlib.Path(repository)):
            return Result(Code.SUCCESS)
        return Result(
            Code.FAILURE,
            f"There is no key in {repository}: run "
            "'protector-manage secrets setup'.",
        )

    def check_site(self) -> Any:
        try:
            with self._built.db.reader() as session:
                sites.local(session)
        except exception.ProtectorError as e:
            return Result(Code.FAILURE, f"{e.message} {e.remedy}")
        except db_exc.DBNonExistentTable:
            return Result(Code.FAILURE, "The database has no tables.")
        return Result(Code.SUCCESS)

    _upgrade_checks = (
        ("Database schema", check_schema),
        ("Keys of credentials", check_keys),
        ("Record of this site", check_site),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """:returns: 0 ready, 1 a warning, 2 a failure."""
    given = list(sys.argv[1:] if argv is None else argv)
    command = cfg.SubCommandOpt(
        "command",
        title="commands",
        help="What to do.",
        handler=_add_commands,
    )
    return Checks(service.prepare(given, commands=[command])).check()


def _add_commands(parsers: Any) -> None:
    upgrade = parsers.add_parser("upgrade")
    actions = upgrade.add_subparsers(required=True, metavar="action")
    actions.add_parser("check", help="Look whether this release can run.")


if __name__ == "__main__":
    sys.exit(main())
