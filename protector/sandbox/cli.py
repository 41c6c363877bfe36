# SPDX-License-Identifier: Apache-2.0
"""``protector-sandbox``: the whole product on one machine.

Reads the command line and calls; what it takes to come up is ``bringup``'s.
"""

import argparse
from collections.abc import Sequence
import os
import pathlib
import signal
import sys
import time
from types import FrameType
import urllib.request

from keystoneauth1 import exceptions as ksa_exceptions
from openstack import exceptions
import purestorage
import requests
from rich import console as rich_console

from protector.sandbox import (
    access,
    bringup,
    demo,
    disturb,
    fleet,
    supervisor,
)
from protector.sandbox import layout as layouts

EXPECTED = (
    access.ClientMissingError,
    bringup.BringUpError,
    layouts.LayoutError,
    supervisor.ProcessError,
    exceptions.SDKException,
    ksa_exceptions.ClientException,
    purestorage.PureError,
    requests.RequestException,
)
PROCESSES = layouts.Layout(pathlib.Path()).processes
PARTS = ("array", "cloud", "site")
DESCRIPTION = """\
Two sites of Protector on this machine, with emulated OpenStack clouds and
FlashArrays. Everything is served on loopback addresses.
"""
EPILOG = """\
a tour:
  protector-sandbox demo              play the whole story and check it
  protector-sandbox up                keep two sites running
  export OS_CLIENT_CONFIG_FILE=.sandbox/clouds.yaml
  openstack --os-cloud site-a server list
  openstack --os-cloud site-a protector protection-group list
  protector-sandbox kill site-a       as a power cut would
  protector-sandbox start site-a
  protector-sandbox down
"""


def main(argv: Sequence[str] | None = None) -> int:
    """:returns: the exit status: 0 done, 1 failed, 2 wrong arguments."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given and given[0] in PARTS:
        # one process in the foreground, with a command line of its own
        module = f"protector.sandbox.{given[0]}"
        os.execve(  # noqa: S606
            sys.executable,
            [sys.executable, "-m", module, *given[1:]],
            fleet.environment(),
        )
    options = _parser().parse_args(given)
    os.environ |= fleet.past_proxy(dict(os.environ))
    signal.signal(signal.SIGTERM, _terminated)
    try:
        return options.run(options)
    except EXPECTED as error:
        print(f"protector-sandbox: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def _terminated(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def up(options: argparse.Namespace) -> int:
    """Bring two sites up, or complete what is up already."""
    begun = time.monotonic()
    with bringup.lock(options.state_dir):
        if options.fresh:
            bringup.clear(options.state_dir)
        with bringup.place(options.state_dir, options.prefix) as layout:
            findings = bringup.BringUp(
                layout, _say, options.empty, not options.unpaired
            ).run()
    _say(f"up after {time.monotonic() - begun:.1f} s")
    _say(f"export OS_CLIENT_CONFIG_FILE={layout.clouds_yaml}")
    # the "no" among them is ours
    if urllib.request.getproxies().keys() - {"no"}:
        _say(f"export no_proxy={os.environ['no_proxy']}")
    return 0 if all(found.ok for found in findings) else 1


def down(options: argparse.Namespace) -> int:
    """End all processes; what they have stays, unless it is purged."""
    with bringup.lock(options.state_dir):
        if options.purge:
            ended = bringup.clear(options.state_dir)
        else:
            layout = layouts.load(options.state_dir)
            ended = fleet.Fleet(layout).stop() if layout else []
            _describe(layout)
    _say(f"ended: {', '.join(ended) or 'none ran'}")
    return 0


def status(options: argparse.Namespace) -> int:
    """Show the processes; 0 if all run."""
    layout = _known(options)
    found = fleet.Fleet(layout)
    living = found.living()
    urls = {}
    for site in layout.sites:
        urls |= {
            site.array: site.array_url,
            site.cloud: site.cloud_url,
            site.name: site.api_url,
        }
    for name, pid in living.items():
        state = f"running {pid:>8}" if pid else f"{'dead':<16}"
        print(f"{name:<8} {state} {urls[name]:<26}"
              f" {found.supervisor.log(name)}")  # fmt: skip
    return 0 if all(living.values()) else 1


def kill(options: argparse.Namespace) -> int:
    """End one process as a power cut would."""
    layout = _known(options)
    killed = fleet.Fleet(layout).kill(options.process)
    _describe(layout)
    _say(f"{options.process} {'killed' if killed else 'did not run'}")
    return 0


def start(options: argparse.Namespace) -> int:
    """Start one process again and wait until it serves."""
    layout = _known(options)
    with bringup.lock(options.state_dir):
        started = fleet.Fleet(layout).start(options.process)
    _describe(layout)
    _say(f"{options.process} {'serves' if started else 'ran already'}")
    return 0


def play(options: argparse.Namespace) -> int:
    """Play the whole story and check it."""
    console = rich_console.Console()
    if not console.is_terminal:
        console = rich_console.Console(width=160)
    passed = demo.play(
        demo.Options(
            # a sandbox that is up stays untouched
            root=options.state_dir / "demo",
            prefix=options.prefix,
            plain=options.plain,
            keep=options.keep,
            blows=tuple(options.kill),
        ),
        console,
    )
    return 0 if passed else 1


def _known(options: argparse.Namespace) -> layouts.Layout:
    layout = layouts.load(options.state_dir)
    if layout is None:
        raise layouts.LayoutError(
            f"There is no sandbox in {options.state_dir}; try 'up'."
        )
    return layout


def _describe(layout: layouts.Layout | None) -> None:
    """Let ``sandbox.json`` tell the processes as they are now."""
    if layout is not None and layout.description.exists():
        bringup.BringUp(layout, _say).describe()


def _say(text: str) -> None:
    print(text, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="protector-sandbox",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--state-dir",
        type=pathlib.Path,
        default=pathlib.Path(layouts.DIRECTORY),
        help="what the sandbox keeps (default: %(default)s)",
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_up(commands)
    command = _command(commands, "down", down)
    command.add_argument(
        "--purge", action="store_true", help="delete what they have, too"
    )
    _command(commands, "status", status)
    for name, run in (("kill", kill), ("start", start)):
        command = _command(commands, name, run)
        command.add_argument("process", choices=PROCESSES)
    _add_demo(commands)
    for part in PARTS:
        commands.add_parser(
            part,
            help=f"run one {part} in the foreground; see {part} --help",
            add_help=False,
        )
    return parser


def _add_up(commands: "argparse._SubParsersAction") -> None:
    command = _command(commands, "up", up)
    _add_prefix(command)
    command.add_argument(
        "--fresh", action="store_true", help="forget what was there before"
    )
    command.add_argument(
        "--empty", action="store_true", help="without the three servers"
    )
    command.add_argument(
        "--unpaired",
        action="store_true",
        help="do not register the sites with each other",
    )


def _add_demo(commands: "argparse._SubParsersAction") -> None:
    command = _command(commands, "demo", play)
    _add_prefix(command)
    command.add_argument(
        "--plain", action="store_true", help="plain lines, no live view"
    )
    command.add_argument(
        "--keep", action="store_true", help="leave the processes running"
    )
    command.add_argument(
        "--kill",
        metavar="PROCESS@STEP",
        action="append",
        default=[],
        type=_blow,
        help="SIGKILL a process when a step begins (PROCESS@KIND:STEP: of "
        "an operation of that kind) and start it again; may be repeated",
    )


def _add_prefix(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--prefix",
        help="first three numbers of the loopback addresses (default: "
        f"{layouts.PREFIX}, or another one when that is taken)",
    )


def _blow(text: str) -> disturb.Blow:
    try:
        return disturb.parse(text, PROCESSES)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _command(
    commands: "argparse._SubParsersAction", name: str, run: object
) -> argparse.ArgumentParser:
    about = (run.__doc__ or "").strip()
    command = commands.add_parser(name, help=about, description=about)
    command.set_defaults(run=run)
    return command


if __name__ == "__main__":
    sys.exit(main())
