# SPDX-License-Identifier: Apache-2.0
"""Commands for sites."""

from __future__ import annotations

import argparse
import getpass
from typing import Any

from protectorclient.osc import base, columns, failures, overview, plans

FIELDS = (
    "id",
    "name",
    "description",
    "status",
    "is_local",
    "region_name",
    "auth_url",
)
_ASK = "-"
CHECKS = ("site", "check", "status", "message", "fix")
_LIST = ("id", "name", "status", "is_local", "region_name", "auth_url")
_OPTIONS = (
    ("description", "Free text"),
    ("auth_url", "Its Keystone"),
    ("region_name", "Its region"),
    ("username", "Service user there"),
    ("password", "Its password; '-' asks for it"),
    ("user_domain_name", "Domain of the service user"),
    ("project_name", "Project of the service user"),
    ("project_domain_name", "Domain of its project"),
    ("endpoint", "Its Protector API, if not the one of its catalogue"),
)
_REQUIRED = ("auth_url", "username", "password", "project_name")


def _add_site_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("site", metavar="<site>", help="Site (name or ID)")


def _add_options(
    parser: argparse.ArgumentParser, required: tuple[str, ...] = ()
) -> None:
    for name, text in _OPTIONS:
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            metavar=f"<{name.replace('_', '-')}>",
            required=name in required,
            help=text,
        )
    parser.add_argument(
        "--cacert",
        metavar="<file>",
        type=argparse.FileType(),
        help="PEM file with the CA certificates of its endpoints",
    )
    parser.add_argument(
        "--verify",
        action=argparse.BooleanOptionalAction,
        help="Whether to verify its TLS certificates (default: yes)",
    )


def _attributes(parsed_args: argparse.Namespace) -> dict[str, Any]:
    given = {name: getattr(parsed_args, name) for name, _ in _OPTIONS}
    given["verify"] = parsed_args.verify
    if given["password"] == _ASK:
        given["password"] = getpass.getpass("Password: ")
    if parsed_args.cacert:
        with parsed_args.cacert as file:
            given["cacert"] = file.read()
    return {key: value for key, value in given.items() if value is not None}


def _shown(site: Any) -> Any:
    return columns.fields(site, FIELDS, ("password", "cacert"))


class CreateSite(base.ShowOne):
    """Register another site (admin only); 'site pair' does it both ways"""

    examples = (
        "--name site-b --auth-url https://site-b:5000/v3 "
        "--username protector --password - --project-name service",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Where it is and who we are there."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "--name", metavar="<name>", required=True, help="Its name"
        )
        _add_options(parser, _REQUIRED)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """Register and show."""
        attrs = _attributes(parsed_args)
        return _shown(self.proxy.register_site(name=parsed_args.name, **attrs))


class ListSite(base.Lister):
    """List sites"""

    either_site = True

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """All of them."""
        rows = self.clouds.either(lambda proxy: list(proxy.sites()))
        return _LIST, [tuple(row[name] for name in _LIST) for row in rows]


class ShowSite(base.ShowOne):
    """Show a site"""

    either_site = True

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The site."""
        parser = super().get_parser(prog_name)
        _add_site_argument(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """What each site that answers knows of it."""
        said = self.clouds.both(
            lambda proxy: proxy.find_site(parsed_args.site)
        )
        answers = [answer for answer in said if answer.error is None]
        if len(answers) == 1:
            return _shown(answers[0].value)
        return overview.side_by_side(answers, FIELDS, parsed_args.formatter)


class SetSite(base.Command):
    """Change what is registered of a site (admin only)"""

    examples = ("site-b --password -",)

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The site and what changes."""
        parser = super().get_parser(prog_name)
        _add_site_argument(parser)
        parser.add_argument("--name", metavar="<name>", help="New name")
        parser.add_argument(
            "--not-lost",
            action="store_true",
            help="Take back that the site was declared lost",
        )
        _add_options(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Change it."""
        attrs = _attributes(parsed_args)
        if parsed_args.name:
            attrs["name"] = parsed_args.name
        if parsed_args.not_lost:
            attrs["lost"] = False
        if not attrs:
            raise failures.UsageError("give at least one thing to change")
        site = self.proxy.find_site(parsed_args.site)
        self.proxy.update_site(site, **attrs)


class DeleteSite(base.Command):
    """Forget sites (admin only); refused while a group uses them"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The sites."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            "site", metavar="<site>", nargs="+", help="Site(s) (name or ID)"
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Forget them."""
        for name in parsed_args.site:
            site = self.proxy.find_site(name)
            self.proxy.delete_site(site, ignore_missing=False)


class ValidateSite(base.Lister):
    """Check a site from this one (admin only); exit code 1 if a check fails"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The site."""
        parser = super().get_parser(prog_name)
        _add_site_argument(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """The report of checks."""
        site = self.proxy.find_site(parsed_args.site)
        checks = self.proxy.validate_site(site)
        return CHECKS, check_rows(self, site.name, checks)


def check_rows(
    command: Any, site: str, checks: list[dict[str, Any]]
) -> list[tuple[Any, ...]]:
    """Rows of a report; a failed check makes the exit code 1."""
    if not all(check["ok"] for check in checks):
        command.exit_code = failures.FAILED
    return [
        (
            site,
            check["name"],
            check["status"],
            check["message"],
            check["fix"] or "",
        )
        for check in checks
    ]


class ListSiteVolumeType(base.Lister):
    """List the volume types of a site and how they are replicated"""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The site."""
        parser = super().get_parser(prog_name)
        _add_site_argument(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Any:
        """All that the service lists."""
        names = ("id", "name", "replication_type", "peer_volume_type_id")
        site = self.proxy.find_site(parsed_args.site)
        rows = self.proxy.site_volume_types(site)
        return names, [tuple(row[name] for name in names) for row in rows]


class DeclareSiteLost(base.Command):
    """Declare a site gone for good (admin only).

    Its groups then accept changes without it, and can be deleted. It is for a
    site that will not come back as it was: if it does, its copies are fenced.
    'site set --not-lost' takes it back.
    """

    examples = (
        "site-a --dry-run",
        "site-a",
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """The site."""
        parser = super().get_parser(prog_name)
        _add_site_argument(parser)
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Only list the groups that it concerns",
        )
        parser.add_argument(
            "--yes",
            action="store_true",
            help="Do not ask, even on a terminal",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """List the groups, ask, declare."""
        site = self.proxy.find_site(parsed_args.site)
        asks = self.app.stdin.isatty() and not parsed_args.yes
        if asks or parsed_args.dry_run:
            self._say_concerned(site)
        if parsed_args.dry_run:
            return
        if asks:
            plans.ask(self.app, f"Declare {site.name} lost for good?")
        self.proxy.declare_site_lost(site)

    def _say_concerned(self, site: Any) -> None:
        groups = [
            group
            for group in self.proxy.protection_groups(all_projects=True)
            if site.id in (group.primary_site_id, group.secondary_site_id)
        ]
        self.say(f"Declaring {site.name} lost concerns:")
        for group in groups:
            runs = (
                "runs there, to be failed over first"
                if group.current_primary_site_id == site.id
                else "will be unprotected"
            )
            self.say(f"  {group.name} ({group.id}): {runs}")
        if not groups:
            self.say("  no group")
