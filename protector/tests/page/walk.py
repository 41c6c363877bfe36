# SPDX-License-Identifier: Apache-2.0
"""Walks the page: what its chapters share.

A chapter is a test that takes every command of its sections, in the order
of the page.  A section that no chapter has, or a command that a chapter did
not take, is a failure.
"""

from collections.abc import Callable, Iterator
import contextlib
import os
import pathlib
import re
import shlex
import sys
from typing import Any, ClassVar

import fixtures
import yaml

from protector.tests import base
from protector.tests.fixtures import emulated_arrays
from protector.tests.page import bed as beds
from protector.tests.page import shell, text

GROUP = "prod-web-app"
CREATE = "openstack protector protection-group create"
Json = dict[str, Any]
wait_until = emulated_arrays.wait_until


def walks(*titles: str) -> Callable[[Any], Any]:
    """Says which sections a chapter takes, by the beginning of each."""

    def mark(method: Any) -> Any:
        method.sections = titles
        return method

    return mark


class Commands:
    """The commands of one section, taken one by one."""

    def __init__(self, section: text.Section) -> None:
        self.section = section
        self._left = section.commands

    def take(self, beginning: str) -> str:
        """The next command, which must begin so."""
        command = self._left.pop(0) if self._left else ""
        if not command.startswith(beginning):
            raise AssertionError(
                f"{self.section.title}: {beginning!r} is not next, but "
                f"{command!r}"
            )
        return command

    def units(self) -> Iterator[str]:
        """Take all commands that are for systemd, wherever they stand; the
        units they name (erratum d)."""
        ours = [
            c for c in self._left if c.startswith(("systemctl", "journalctl"))
        ]
        for command in ours:
            self._left.remove(command)
            words = [w for w in shlex.split(command) if "protector" in w]
            yield from words

    def check_all_taken(self) -> None:
        if self._left:
            raise AssertionError(
                f"{self.section.title}: not run: {self._left}"
            )


class Walk(base.TestCase):
    """:cvar bed: shared by the chapters; each leaves it as it found it."""

    DEFAULT_TIMEOUT = 900
    TIMEOUT_SCALING_FACTOR = 2
    LOOPBACK_ONLY = False
    bed: ClassVar[beds.Bed]
    page: ClassVar[text.Page]

    @classmethod
    def begin(cls, bed: beds.Bed) -> None:
        """Call in ``setUpClass``."""
        found = text.read()
        if found is None:
            cls.skipTest(cls, f"{text.VARIABLE} names no page")  # type: ignore
        cls.page = found
        cls.bed = bed
        bed.setUp()
        cls.addClassCleanup(bed.cleanUp)

    def setUp(self) -> None:
        super().setUp()
        home = self.useFixture(fixtures.TempDir()).path
        self.shell = shell.Shell(self._environment(home), pathlib.Path(home))
        self.values = self._constants()
        self._walked: list[str] = []
        self.addOnException(self._leave)

    def _leave(self, _error: Any) -> None:
        """What a failed chapter left must not meet the next one."""
        self.bed.slow_arrays(0)
        self.bed.refuse_on_array(None)
        for site in (self.bed.a, self.bed.b):
            self.bed.start_api(site)
            self.bed.start_engine(site)
        at = self.bed.a.tenant.protector
        if at.find_protection_group(GROUP, ignore_missing=True):
            self.know_group()
            self.wait(lambda: self._ended(self.group().last_operation_id))
            self.clear("--discard-undo")

    def _ended(self, operation_id: str) -> bool:
        at = self.bed.a.tenant.protector
        operation = at.get_operation(operation_id)
        return operation.status not in ("pending", "running")

    def _environment(self, home: str) -> dict[str, str]:
        """As in a login shell of a user who has Protector's client."""
        programs = pathlib.Path(sys.executable).parent
        return {
            "HOME": home,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "COLUMNS": "250",
            "no_proxy": "*",
            "PYTHONWARNINGS": "ignore",
        }

    def _constants(self) -> dict[str, str]:
        """What stands for the page's names, the longer ones first."""
        bed = self.bed
        web, app, db = bed.servers
        sites = {
            f"{kind}{site.name[-1]}{rest}": value
            for site in (bed.a, bed.b)
            for kind, rest, value in (
                ("http://site-", "-controller:5000/v3", site.auth_url),
                ("<site-", "-uuid>", site.id),
            )
        }
        found = {
            **sites,
            "<primary-controller>:8788": bed.a.api,
            "<secondary-controller>:8788": bed.b.api,
            "<controller>:8788": bed.a.api,
            "production-project": bed.a.project,
            "your-user": bed.a.user,
            "your-password": bed.a.password,
            "<replicated-ssd-uuid>": self.type_id(bed.volume_type),
            "replicated-ssd": bed.volume_type,
            "<pg-name>": GROUP,
            "<web-server-1-uuid>": web.id,
            "<vol-1-uuid>": web.volume_ids[0],
            "<vol-2-uuid>": web.volume_ids[1],
        }
        for number, server in enumerate((web, app, db), 1):
            four = f"{number:04d}"
            found[f"a1b2c3d4-{four}-{four}-{four}-{number:012d}"] = server.id
        return found

    def type_id(self, name: str) -> str:
        types = self.bed.a.tenant.block_storage.types()
        return str(next(row.id for row in types if row.name == name))

    # -- the sections

    @contextlib.contextmanager
    def section(self, title: str) -> Iterator[Commands]:
        """Walk a section; at its end all its commands must be taken."""
        commands = Commands(self.page.section(title))
        yield commands
        commands.check_all_taken()
        self._walked.append(title)

    def check_walked(self) -> None:
        """Call at the end of each chapter."""
        chapter = getattr(self, self._testMethodName)
        self.assertEqual(list(chapter.sections), self._walked)

    def check_nothing_left_out(self) -> None:
        """Each section with commands or output is a chapter's."""
        chapters = [
            getattr(type(self), name)
            for name in dir(type(self))
            if name.startswith("test_")
        ]
        taken = [
            self.page.section(title).title
            for chapter in chapters
            for title in getattr(chapter, "sections", ())
        ]
        printed = [
            title
            for title, section in self.page.sections.items()
            if section.commands
            or title.startswith(("Step", "Example", "Issue"))
        ]
        self.assertEqual(sorted(printed), sorted(taken))

    # -- commands

    def fill(self, command: str) -> str:
        """A command of the page with our names in it."""
        for printed, meant in self.values.items():
            command = command.replace(printed, meant)
        # those of extra specs are meant literally
        left = set(re.findall(r"<[a-z0-9-]+>", command)) - {"<is>", "<in>"}
        if left:
            raise AssertionError(f"nothing stands for {left} in {command}")
        return command

    def run_command(self, command: str, **extra: str) -> shell.Done:
        """Run a command of the page, which must succeed."""
        done = self.shell.run(self.fill(command), **extra)
        self.assertEqual(0, done.status, str(done))
        self.assertNotIn("Traceback", done.err)
        return done

    def refused(self, command: str, phrase: str) -> None:
        """Run a command of the page, which must fail and say so."""
        done = self.shell.run(self.fill(command))
        self.assertEqual(1, done.status, str(done))
        self.assertIn(phrase, done.err)
        self.assertNotIn("Traceback", done.err)

    def curl(self, command: str, code: int) -> Any:
        """Run a curl command of the page; its body."""
        answer = self.shell.curl(self.fill(command))
        self.assertEqual(code, answer.code, f"{command}\n{answer.text}")
        return answer.body

    def curl_refused(self, command: str, code: int, reason: str) -> Json:
        """The same of one that is refused; the error."""
        error: Json = self.curl(command, code)["error"]
        self.assertEqual(reason, error["reason"], error)
        return error

    def structured(self, command: str) -> Any:
        """What a command prints with ``-f json``."""
        return yaml.safe_load(self.run_command(f"{command} -f json").out)

    # -- what the page takes for granted

    def sign_in(self) -> None:
        """Step 5, and the token that its curl commands use."""
        for command in self.page.section("Step 5").commands:
            self.run_command(command)
        for command in self.page.section("Creating").commands:
            if command.startswith(("TOKEN=", "TENANT_ID=")):
                self.run_command(command)

    def create(self) -> None:
        """The group of the examples."""
        self.run_command(self.page.section("Example 1").commands[0])
        self.know_group()

    def know_group(self) -> str:
        """Remember the id of the group."""
        group = self.bed.a.tenant.protector.find_protection_group(
            GROUP, ignore_missing=False
        )
        self.values["<pg-id>"] = group.id
        return str(group.id)

    def add(self, number: int) -> None:
        """Add the first, second or third server."""
        command = self.page.section("Example 2").commands[number - 1]
        self.run_command(command)

    def know_member(self, server_name: str) -> None:
        """Remember the id of a member."""
        rows = self.bed.a.tenant.protector.members(self.values["<pg-id>"])
        self.values["<member-id>"] = next(
            m.id for m in rows if m.instance_name == server_name
        )

    def group(self, site: beds.Site | None = None) -> Any:
        """The group as a site shows it, by default ``a``."""
        at = site or self.bed.a
        return at.tenant.protector.get_protection_group(self.values["<pg-id>"])

    def wait_for_status(self, status: str) -> None:
        self.wait(lambda: self.group().status == status)

    def wait_until_gone(self) -> None:
        """No site has the group any more."""
        for site in (self.bed.a, self.bed.b):
            self.wait(
                lambda at=site: (
                    not list(at.tenant.protector.protection_groups())
                )
            )

    def wait(self, done: Callable[[], object]) -> None:
        wait_until(done, self.bed.patience)

    def clear(self, *options: str) -> None:
        """Take the servers out and delete the group.

        :param options: of the command that deletes.
        """
        at = self.bed.a.tenant.protector
        for member in list(at.members(self.values["<pg-id>"])):
            self.values["<member-id>"] = member.id
            command = self.page.section("Removing").commands[0]
            self.curl(command, 204)
        command = self.page.section("Deleting").commands[0]
        self.run_command(" ".join((command, *options)))
        self.wait_until_gone()
