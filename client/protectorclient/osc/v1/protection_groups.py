# SPDX-License-Identifier: Apache-2.0
"""Commands that make, show, change and delete protection groups."""

from __future__ import annotations

import argparse
from typing import Any

from osc_lib import exceptions

from protectorclient.osc import base, columns, failures, lookup, overview

FIELDS = (
    "id",
    "name",
    "description",
    "status",
    "replication_type",
    "primary_site_id",
    "secondary_site_id",
    "current_primary_site_id",
    "consistency_group_id",
    "failover_count",
    "created_at",
)
_WRITE_ONLY = ("secondary_volume_type_id",)

Shown = tuple[tuple[str, ...], tuple[Any, ...]]


def add_group_argument(parser: argparse.ArgumentParser) -> None:
    """The group a command is about."""
    parser.add_argument(
        "group", metavar="<group>", help="Protection group (name or ID)"
    )


class CreateProtectionGroup(base.Waiting, base.ShowOne):
    """Create a protection group and wait until both sites have it"""

    examples = (
        "--name prod-web-app --primary-site site-a "
        "--secondary-site site-b --volume-type replicated-ssd",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The options of the documented command, and those for waiting."""
        parser = super().get_parser(prog_name)
        add = parser.add_argument
        add("--name", metavar="<name>", required=True, help="Its name")
        add("--description", metavar="<text>", help="Free text")
        add(
            "--replication-type",
            choices=("async", "sync"),
            default="async",
            help="How its volumes are replicated (default: async)",
        )
        for option, what in (
            ("--primary-site", "Site where the servers run"),
            ("--secondary-site", "Site to protect them at"),
        ):
            add(
                option,
                metavar="<site>",
                required=True,
                help=f"{what} (name or ID)",
            )
        add(
            "--volume-type",
            metavar="<type>",
            required=True,
            help="Volume type of all its volumes (name or ID)",
        )
        add(
            "--secondary-volume-type",
            metavar="<type>",
            help=(
                "Volume type at the secondary site (name or ID), where the "
                "service cannot find it by itself"
            ),
        )
        base.add_wait_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        """Create, wait, show."""
        conn = self.clouds.first()
        made = self.proxy.create_protection_group(
            **self._attributes(conn, parsed_args)
        )
        self.finish(made, parsed_args.name, parsed_args)
        group = self.proxy.get_protection_group(made.id)
        return columns.fields(group, FIELDS, _WRITE_ONLY, more=False)

    def _attributes(
        self, conn: Any, parsed_args: argparse.Namespace
    ) -> dict[str, Any]:
        primary = self.proxy.find_site(parsed_args.primary_site)
        secondary = self.proxy.find_site(parsed_args.secondary_site)
        attrs = {
            "name": parsed_args.name,
            "replication_type": parsed_args.replication_type,
            "primary_site_id": primary.id,
            "secondary_site_id": secondary.id,
            "volume_type_id": lookup.volume_type_id(
                conn, primary, parsed_args.volume_type
            ),
        }
        if parsed_args.description is not None:
            attrs["description"] = parsed_args.description
        if parsed_args.secondary_volume_type:
            attrs["secondary_volume_type_id"] = lookup.volume_type_id(
                conn, secondary, parsed_args.secondary_volume_type
            )
        return attrs


class ListProtectionGroup(base.Lister):
    """List protection groups: which are protected, how far behind they are"""

    either_site = True

    examples = ("--site site-a --status active",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Filters."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--all-projects",
            action="store_true",
            help="Groups of all projects (admin only)",
        )
        parser.add_argument(
            "--name", metavar="<name>", help="Only groups with this name"
        )
        parser.add_argument(
            "--status",
            metavar="<status>",
            help=(
                "Only groups with this status: creating, active, "
                "failing_over, failed_over, failing_back, error or deleting"
            ),
        )
        parser.add_argument(
            "--site",
            metavar="<site>",
            help="Only groups that run at this site (name or ID)",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """The groups with what answers "am I protected?"."""
        rows = self.clouds.either(
            lambda proxy: overview.rows(proxy, _query(proxy, parsed_args))
        )
        return overview.COLUMNS, rows


def _query(proxy: Any, parsed_args: argparse.Namespace) -> dict[str, Any]:
    query = {
        "name": parsed_args.name,
        "status": parsed_args.status,
        "all_projects": parsed_args.all_projects or None,
    }
    if parsed_args.site:
        site = proxy.find_site(parsed_args.site)
        query["current_primary_site_id"] = site.id
    return {key: value for key, value in query.items() if value is not None}


class ShowProtectionGroup(base.ShowOne):
    """Show a protection group, its replication and what may be done with it"""

    either_site = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group."""
        parser = super().get_parser(prog_name)
        add_group_argument(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        """Show; with a second cloud also what that site knows."""
        said = self.clouds.both(
            lambda proxy: lookup.full_group(proxy, parsed_args.group)
        )
        answers = [answer for answer in said if answer.error is None]
        names, values = columns.fields(answers[0].value, FIELDS, _WRITE_ONLY)
        for other in answers[1:]:
            at_other = {
                key: other.value[key]
                for key in (
                    "status",
                    "current_primary_site_id",
                    "epoch",
                    "metadata_version",
                )
            }
            names += (f"at {other.cloud}",)
            values += (columns.Structure(at_other),)
        return names, values


class SetProtectionGroup(base.Waiting, base.Command):
    """Rename a protection group or change its description"""

    examples = ("prod-web-app --name web",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group and what changes."""
        parser = super().get_parser(prog_name)
        add_group_argument(parser)
        parser.add_argument("--name", metavar="<name>", help="New name")
        parser.add_argument(
            "--description", metavar="<text>", help="New description"
        )
        base.add_timeout_option(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Change; wait if the service needs time."""
        attrs = {
            key: value
            for key, value in (
                ("name", parsed_args.name),
                ("description", parsed_args.description),
            )
            if value is not None
        }
        if not attrs:
            raise failures.UsageError("give --name or --description")
        group = lookup.group(self.proxy, parsed_args.group)
        changed = self.proxy.update_protection_group(group, **attrs)
        self.finish(changed, group.name, parsed_args)


class DeleteProtectionGroup(base.Waiting, base.Command):
    """Delete protection groups that have no members; servers stay"""

    examples = (
        "prod-web-app",
        "old-app older-app --discard-undo",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The groups."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "group",
            metavar="<group>",
            nargs="+",
            help="Protection group(s) to delete (name or ID)",
        )
        base.add_discard_undo(parser, "the deletion")
        base.add_wait_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Try all, then say which failed."""
        if len(parsed_args.group) == 1:
            self._delete(parsed_args.group[0], parsed_args)
            return
        failed = 0
        for name in parsed_args.group:
            try:
                self._delete(name, parsed_args)
            except Exception as error:
                failed += 1
                self.say(f"{name}: {failures.in_words(error)}")
        if failed:
            raise exceptions.CommandError(
                f"{failed} of {len(parsed_args.group)} groups were not deleted"
            )

    def _delete(self, name: str, parsed_args: argparse.Namespace) -> None:
        group = lookup.group(self.proxy, name)
        gone = self.proxy.delete_protection_group(
            group,
            ignore_missing=False,
            discard_undo=parsed_args.discard_undo,
        )
        self.finish(gone, group.name, parsed_args)


class ListRecoveryPoint(base.Lister):
    """List the points in time a protection group can be brought back to"""

    either_site = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group."""
        parser = super().get_parser(prog_name)
        add_group_argument(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """The points as the service sorts them."""
        names = (
            "id",
            "created_at",
            "complete",
            "bytes",
            "direction",
            "epoch",
            "eligible",
        )

        def ask(proxy: Any) -> list[tuple[Any, ...]]:
            group = lookup.group(proxy, parsed_args.group)
            return [
                (
                    *(point[name] for name in names),
                    columns.Maybe(point.ineligible_reason),
                    columns.Reached((point.rpo_seconds, point.rpo_compliant)),
                )
                for point in proxy.recovery_points(group)
            ]

        return (*names, "why_not", "rpo"), self.clouds.either(ask)


class ShowGroupHealth(base.ShowOne):
    """Show whether a protection group could be failed over now"""

    either_site = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The group."""
        parser = super().get_parser(prog_name)
        add_group_argument(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Shown:
        """Both sites' view, if two are configured."""

        def ask(proxy: Any) -> Any:
            group = lookup.group(proxy, parsed_args.group)
            return proxy.get_protection_group_health(group)

        first = ("failover_ready", "lag_seconds", "link", "conditions")
        said = self.clouds.both(ask)
        return overview.side_by_side(said, first, parsed_args.formatter)
