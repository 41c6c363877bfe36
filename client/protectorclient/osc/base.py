# SPDX-License-Identifier: Apache-2.0
"""What the commands share: connections, waiting, endings.

A command says what to ask and what to show; how it ends (exit code, the words
on stderr) is decided here and in ``failures``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
import os
from typing import Any

from osc_lib.command import command

from protectorclient import errors
from protectorclient.osc import clouds, columns, failures, watch


class Ending:
    """Mixin of all commands; before the class of osc_lib in the bases."""

    app: Any
    #: Whether the second site may answer instead of the first.
    either_site = False
    #: Whether to log in without the shell in any case.
    independent = False
    #: What to return when nothing goes wrong from here on.
    exit_code = failures.DONE
    #: Arguments that show in the help what the command is for.
    examples: tuple[str, ...] = ()

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """A parser whose help keeps the lines of ours."""
        parser = super().get_parser(prog_name)  # type: ignore[misc]
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        return parser

    def get_epilog(self) -> str:
        """The examples, then what cliff says."""
        lines = [f"  %(prog)s {words}".rstrip() for words in self.examples]
        shown = "\n".join(["examples:", *lines, "\n"]) if lines else ""
        return shown + super().get_epilog()  # type: ignore[misc]

    @property
    def auth_required(self) -> bool:
        """Whether the shell is to log in before the command begins.

        Not when another site could answer: a dead Keystone would end the
        command before it could ask there.
        """
        return not self._independent

    @property
    def _independent(self) -> bool:
        second = getattr(self.app.options, "secondary_cloud", None)
        return self.independent or (self.either_site and bool(second))

    @property
    def clouds(self) -> clouds.Clouds:
        """The sites this command may talk to."""
        if getattr(self, "_clouds", None) is None:
            self._clouds = clouds.Clouds(self.app, self._independent, self.say)
        return self._clouds

    @property
    def proxy(self) -> Any:
        """The Protector of the first site."""
        return self.clouds.first().protector

    def say(self, text: str) -> None:
        """A line for the user, beside the result: on stderr."""
        self.app.stderr.write(f"{text}\n")
        self.app.stderr.flush()

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run, and turn what came up into an exit code."""
        if hasattr(self.app.stdout, "reconfigure"):
            # our marks are no reason to fail where the encoding has none
            self.app.stdout.reconfigure(errors="replace")
        try:
            done = super().run(parsed_args)  # type: ignore[misc]
            # what nobody reads is found out here, not by the interpreter
            self.app.stdout.flush()
            return self.exit_code or done or failures.DONE
        except failures.Detached as detached:
            self._still(detached.operation_ids, "detached; it goes on.")
            return failures.DETACHED
        except errors.WaitTimeout as late:
            self._still([late.operation.id], str(late))
            return failures.STILL_RUNNING
        except failures.UsageError as error:
            self.say(str(error))
            return failures.USAGE
        except BrokenPipeError:
            self._forget_stdout()
            raise
        except Exception as error:
            words = failures.in_words(error)
            if words is error:
                raise
            raise words from error
        finally:
            self.clouds.close()

    def _forget_stdout(self) -> None:
        """Let what is still to be written go nowhere: the interpreter would
        fail with it at its end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.app.stdout.fileno())
        os.close(nowhere)

    def _still(self, operation_ids: list[str], text: str) -> None:
        self.say(f"{text}\nTo watch it:\n{failures.hint(operation_ids)}")


class Command(Ending, command.Command):
    """A command that shows nothing, or prints by itself."""


class ShowOne(Ending, command.ShowOne):
    """A command that shows the fields of one thing."""


class Lister(Ending, command.Lister):
    """A command that shows a list."""


class Report(ShowOne):
    """One thing that people get as a text, machines as fields.

    The text takes the place of the two-column table, unless columns are
    chosen; every other format is as usual.
    """

    def report(self, data: dict[str, Any]) -> str:
        """The text."""
        raise NotImplementedError

    def produce_output(
        self,
        parsed_args: argparse.Namespace,
        column_names: Sequence[str],
        data: Any,
    ) -> int:
        """The text for a table; else what the formatter makes."""
        if parsed_args.formatter != "table" or parsed_args.columns:
            return super().produce_output(parsed_args, column_names, data)
        raw = dict(zip(column_names, map(columns.plain, data), strict=True))
        self.app.stdout.write(f"{self.report(raw)}\n")
        return 0


def add_discard_undo(parser: argparse.ArgumentParser, prevented: str) -> None:
    """:param prevented: what undo copies stand in the way of."""
    parser.add_argument(
        "--discard-undo",
        action="store_true",
        help=(
            "Also give up the undo copies that the last moves left and "
            f"that are still kept; without it they prevent {prevented}"
        ),
    )


def add_wait_options(parser: argparse.ArgumentParser) -> None:
    """Options of a command that starts a long task."""
    parser.add_argument(
        "--no-wait",
        dest="wait",
        action="store_false",
        help="Start the task and return at once",
    )
    add_timeout_option(parser)


def add_timeout_option(parser: argparse.ArgumentParser) -> None:
    """How long to watch a task."""
    parser.add_argument(
        "--timeout",
        metavar="<seconds>",
        type=positive_seconds,
        help=(
            "Stop watching after this many seconds (exit code 3); the task "
            "goes on. Default: no limit"
        ),
    )


def positive_seconds(text: str) -> float:
    """A number of seconds above 0, for argparse."""
    seconds = float(text)
    if seconds <= 0:
        raise argparse.ArgumentTypeError("it must be above 0")
    return seconds


class Waiting(Ending):
    """Mixin of commands that wait for operations."""

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run; when interrupted before there is a task to name, say so."""
        try:
            return super().run(parsed_args)
        except KeyboardInterrupt:
            self.say(
                "interrupted; a task that was started goes on, see:\n"
                "openstack protector operation list"
            )
            return failures.DETACHED

    def follow(
        self,
        operations: list[Any],
        names: dict[str, str],
        timeout: float | None,
    ) -> list[Any]:
        """Watch operations to their end, at whichever site answers.

        :param names: what to call the groups, by their ids
        :returns: the operations as they ended
        """
        return watch.watch(
            Looker(self).look, operations, names, self.app.stderr, timeout
        )

    def finish(
        self, changed: Any, name: str, parsed_args: argparse.Namespace
    ) -> None:
        """Wait for what an answer accepted, if it was 202.

        :param changed: the resource as answered
        :param name: what to call the group
        :raises errors.OperationFailed: it failed or was cancelled
        """
        op_id = changed.accepted_operation_id if changed else None
        if op_id is None:
            return
        if not getattr(parsed_args, "wait", True):
            self.say(f"started; to watch it:\n{failures.hint([op_id])}")
            return
        operation = self.proxy._operation(op_id)
        names = Names(name)
        timeout = getattr(parsed_args, "timeout", None)
        ended = self.follow([operation], names, timeout)[0]
        if ended.status != "completed":
            raise errors.OperationFailed(ended)


class Names(dict[str, str]):
    """The same name for every id: there is only one group."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def get(self, key: str, default: Any = None) -> Any:  # type: ignore[override]
        """The name."""
        return self._name


class Looker:
    """Looks at operations at the first site, then at the second.

    A running failover is best seen from the site that survives: once the
    first does not answer, the second is asked, and the other way round.
    """

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._at_second = False

    def look(self, operation_id: str) -> Any:
        """The operation as it is now."""
        try:
            return self._proxy().get_operation(operation_id)
        except Exception as error:
            second = self._waiting.clouds.second_name
            if not second or not failures.is_outage(error):
                raise
            self._at_second = not self._at_second
            self._waiting.say(f"no answer; asking {self._name()}")
        return self._proxy().get_operation(operation_id)

    def _name(self) -> str | None:
        sites = self._waiting.clouds
        return sites.second_name if self._at_second else sites.first_name

    def _proxy(self) -> Any:
        sites = self._waiting.clouds
        conn = sites.second() if self._at_second else sites.first()
        return conn.protector
