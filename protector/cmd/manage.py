# SPDX-License-Identifier: Apache-2.0
"""protector-manage: what the operator does beside the API.

Database, keys, the site's own record, and cleaning up.
"""

import argparse
from collections.abc import Callable, Sequence
import datetime
import pathlib
import sys
import uuid

from oslo_config import cfg
from oslo_db import exception as db_exc

from protector import exception, runtime, secrets, service
from protector.db import migration
from protector.db.api import credentials, purge, sites

Runtime = runtime.Runtime


def main(argv: Sequence[str] | None = None) -> int:
    """:returns: the exit status: 0 done, 1 refused or not as wanted."""
    command = cfg.SubCommandOpt(
        "command",
        title="commands",
        help="What to do.",
        handler=_add_commands,
    )
    given = sys.argv[1:] if argv is None else argv
    built = service.prepare(given, commands=[command])
    try:
        return built.conf.command.run(built)
    except exception.ProtectorError as e:
        print(f"{e.message} {e.remedy}", file=sys.stderr)
    except db_exc.DBNonExistentTable:
        print(
            "The database has no tables. Run 'protector-manage db sync'.",
            file=sys.stderr,
        )
    return 1


def db_sync(built: Runtime) -> int:
    """Bring the database to the newest schema."""
    migration.sync(built.db, built.conf.command.revision)
    return db_version(built)


def db_version(built: Runtime) -> int:
    """Print the revision of the database."""
    print(migration.version(built.db) or "empty")
    return 0


def db_check(built: Runtime) -> int:
    """Whether the database is at the newest revision and as declared."""
    have, want = migration.version(built.db), migration.head()
    if have != want:
        print(f"The database is at {have or 'none'}, not at {want}.")
        return 1
    wrong = migration.differences(built.db)
    for difference in wrong:
        print(difference)
    return 1 if wrong else 0


def secrets_setup(built: Runtime) -> int:
    """Make the first key; again does nothing."""
    repository = built.conf.secrets.key_repository
    if not secrets.key_numbers(pathlib.Path(repository)):
        secrets.add_key(repository)
    print(f"The keys are in {repository}.")
    return 0


def secrets_rotate(built: Runtime) -> int:
    """Add a key: from now on it seals, the older ones only open."""
    number = secrets.add_key(built.conf.secrets.key_repository)
    print(f"Key {number} seals now. Next: protector-manage secrets reseal.")
    return 0


def secrets_reseal(built: Runtime) -> int:
    """Seal every stored credential with the newest key."""
    with built.db.writer() as session:
        count = credentials.reseal(session, built.sealer.reseal)
    print(f"{count} credential(s) resealed; older keys may be removed.")
    return 0


def site_init(built: Runtime) -> int:
    """Give this site its id and its record; again updates the record."""
    values = _local_values(built)
    now = built.clock.now()
    with built.db.writer() as session:
        site = sites.find_local(session)
        if site is None:
            given = built.conf.command.id or str(uuid.uuid4())
            site = sites.add(
                session, now, {"id": given, "is_local": True, **values}
            )
        else:
            sites.update(session, now, site, values)
        print(site.id)
    return 0


def _local_values(built: Runtime) -> dict[str, str | bool]:
    given, auth = built.conf.command, built.conf.service_auth
    values = {
        "name": given.site_name,
        "description": given.description,
        "endpoint": given.endpoint,
        "region_name": given.region_name or auth.region_name,
        "auth_url": given.auth_url or auth.auth_url,
        "username": auth.username,
        "user_domain_name": auth.user_domain_name,
        "project_name": auth.project_name,
        "project_domain_name": auth.project_domain_name,
        "verify": not auth.insecure,
    }
    return {k: v for k, v in values.items() if v is not None}


def purge_old(built: Runtime) -> int:
    """Delete operations that ended long ago."""
    age = datetime.timedelta(days=built.conf.command.days)
    with built.db.writer() as session:
        count = purge.finished_operations(session, built.clock.now(), age)
    print(f"{count} operation(s) deleted.")
    return 0


Command = Callable[[Runtime], int]


def _add_commands(parsers: "argparse._SubParsersAction") -> None:
    db = _group(parsers, "db", "the database")
    sync = _command(db, "sync", db_sync)
    sync.add_argument("revision", nargs="?", default="head")
    _command(db, "version", db_version)
    _command(db, "check", db_check)
    keys = _group(parsers, "secrets", "the keys that seal credentials")
    _command(keys, "setup", secrets_setup)
    _command(keys, "rotate", secrets_rotate)
    _command(keys, "reseal", secrets_reseal)
    _add_site(_group(parsers, "site", "this site"))
    old = _command(parsers, "purge", purge_old)
    old.add_argument("--days", type=int, default=90)


def _add_site(parsers: "argparse._SubParsersAction") -> None:
    init = _command(parsers, "init", site_init)
    # oslo.config keeps "name" for the name of the command itself
    init.add_argument("--name", dest="site_name", required=True)
    init.add_argument("--description")
    init.add_argument("--id", type=_uuid, help="id to bring back after a loss")
    init.add_argument("--region-name", help="default: [service_auth]")
    init.add_argument("--auth-url", help="default: [service_auth]")
    init.add_argument("--endpoint", help="URL of this site's protector-api")


def _uuid(text: str) -> str:
    return str(uuid.UUID(text))


def _group(
    parsers: "argparse._SubParsersAction", name: str, about: str
) -> "argparse._SubParsersAction":
    parser = parsers.add_parser(name, help=about)
    return parser.add_subparsers(required=True, metavar="command")


def _command(
    parsers: "argparse._SubParsersAction", name: str, run: Command
) -> argparse.ArgumentParser:
    about = (run.__doc__ or "").strip()
    parser = parsers.add_parser(name, help=about, description=about)
    parser.set_defaults(run=run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
