# SPDX-License-Identifier: Apache-2.0
"""One site in one process: the real protector-api and protector-engine.

It prepares what an operator prepares, by the operator's own commands, then
serves until SIGTERM.  Started as ``python -m protector.sandbox.site``.
"""

import argparse
import contextlib
import logging
import pathlib
import signal
import sys
import threading
from types import FrameType

# first: it chooses threads before anything else can choose otherwise
from protector.cmd import api, manage
from protector.engine import service as engine_service
from protector.sandbox import layout as layouts
from protector.sandbox import siteconf
from protector.service import prepare

LOG = logging.getLogger(__name__)


class SiteError(Exception):
    """The site could not be prepared."""


def set_up(
    layout: layouts.Layout, site: layouts.Site, *more: pathlib.Path
) -> list[str]:
    """Configuration, tables, keys and the site's record; again renews them.

    :param more: configuration files whose options count.
    :returns: the arguments of a command for this site.
    :raises SiteError: a command failed; what it said is in the log.
    """
    siteconf.write(layout, site)
    arguments = [f"--config-file={path}" for path in (site.config, *more)]
    record = ["--name", site.name, "--endpoint", site.api_url]
    commands = (
        ["db", "sync"],
        ["secrets", "setup"],
        ["site", "init", *record, "--description", f"Sandbox {site.name}"],
    )
    for command in commands:
        if manage.main([*arguments, *command]):
            raise SiteError(f"protector-manage {' '.join(command)} failed")
    return arguments


def serve(arguments: list[str], stop: threading.Event, url: str) -> None:
    """Run API and engine over one in-process bus until ``stop`` is set."""
    built = prepare(arguments)
    engine = engine_service.Engine(built)
    with contextlib.ExitStack() as running:
        engine.start()
        running.callback(engine.stop)
        server = api.serve(built)
        running.callback(server.stop)
        print(f"ready {url}", flush=True)
        stop.wait()
        LOG.info("Stopping")


def parse(argv: list[str]) -> tuple[layouts.Layout, layouts.Site]:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="protector.sandbox.site")
    parser.add_argument("--name", required=True)
    parser.add_argument("--state-dir", required=True, type=pathlib.Path)
    parser.add_argument("--prefix", default=layouts.PREFIX)
    parser.add_argument("--third", action="store_true")
    options = parser.parse_args(argv)
    layout = layouts.Layout(
        options.state_dir.resolve(), options.prefix, options.third
    )
    return layout, layout.site(options.name)


def main(argv: list[str] | None = None) -> int:
    """Serve one site; the exit status."""
    layout, site = parse(sys.argv[1:] if argv is None else argv)
    stop = threading.Event()

    def leave(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    serve(set_up(layout, site), stop, site.api_url)
    return 0


if __name__ == "__main__":
    sys.exit(main())
