# SPDX-License-Identifier: Apache-2.0
"""Plays the story from an empty directory to an empty directory.

It brings a sandbox up, lets the acts happen, audits what remains, prints
the table, and always brings the processes down.
"""

from collections.abc import Callable, Sequence
import contextlib
import dataclasses
import logging
import pathlib
import time

from rich import console as rich_console

from protector.sandbox import (
    access,
    bringup,
    disturb,
    evidence,
    fleet,
    guests,
    pairing,
    report,
    story,
    views,
    watch,
)
from protector.sandbox import layout as layouts

LOG = logging.getLogger(__name__)
OPERATION_SECONDS = 300
_CLOSELY = 0.05
"""Seconds between two looks when a step must not be missed."""


@dataclasses.dataclass(frozen=True)
class Options:
    """How to play.

    :ivar root: the state directory; what is there is forgotten.
    :ivar prefix: of the addresses; None for the first that is free.
    :ivar keep: leave the processes running.
    """

    root: pathlib.Path
    prefix: str | None = None
    plain: bool = False
    keep: bool = False
    blows: tuple[disturb.Blow, ...] = ()


def play(options: Options, console: rich_console.Console) -> bool:
    """Play, and print the closing table; whether every check passed."""
    told = report.Report()
    with bringup.lock(options.root):
        bringup.clear(options.root)
        with bringup.place(options.root, options.prefix) as layout:
            _keep_log(layout)
            with views.opened(console, options.plain) as view:
                demo = Demo(layout, options, told, view)
                try:
                    demo.run()
                finally:
                    demo.close()
    told.show(console)
    _where(layout, options, told, console)
    return told.ok


def _keep_log(layout: layouts.Layout) -> None:
    """What the terminal has no room for goes beside the processes' logs."""
    layout.log.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=layout.log / "demo.log",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )


def _where(
    layout: layouts.Layout,
    options: Options,
    told: report.Report,
    console: rich_console.Console,
) -> None:
    if not told.ok:
        console.out(f"logs: {layout.log}", highlight=False)
    if options.keep:
        console.out(
            f"still running: protector-sandbox --state-dir {layout.root} "
            "status | down",
            highlight=False,
        )


class Demo:
    """One run."""

    def __init__(
        self,
        layout: layouts.Layout,
        options: Options,
        told: report.Report,
        view: views.View,
    ) -> None:
        self._layout = layout
        self._options = options
        self._report = told
        self._view = view
        self._fleet = fleet.Fleet(layout)
        self._disturber = disturb.Disturber(
            self._fleet, options.blows, view.say
        )
        self._open = contextlib.ExitStack()
        self._before: list[evidence.Inventory] = []
        self._stage: story.Stage

    def run(self) -> None:
        """All phases, until one cannot go on."""
        for title, act in self._acts():
            if not self._phase(title, act):
                return

    def close(self) -> None:
        """Bring the processes down, unless they are to be kept."""
        self._disturber.close()
        self._open.close()
        if not self._options.keep:
            self._phase("down", self._down)

    def _acts(self) -> Sequence[tuple[str, Callable[[report.Phase], None]]]:
        return (
            ("start", self._start),
            ("pair", self._pair),
            ("create", lambda phase: story.create(self._stage, phase)),
            ("add members", lambda p: story.add_members(self._stage, p)),
            ("write", lambda p: self._write(p, self._stage.a)),
            ("replicate", lambda p: story.replicate(self._stage, p)),
            ("sync status", lambda p: story.sync_status(self._stage, p)),
            ("failover", lambda p: story.failover(self._stage, p)),
            ("write there", lambda p: self._write(p, self._stage.b)),
            ("failback", lambda p: story.failback(self._stage, p)),
            ("delete", lambda p: story.remove(self._stage, p)),
            ("audit", self._audit),
        )

    def _phase(self, title: str, act: Callable[[report.Phase], None]) -> bool:
        """Whether the story can go on."""
        self._view.begin(title)
        phase = self._report.begin(title)
        went_on = self._timed(phase, act)
        bad = len(phase.failed)
        words = f"{phase.passed} checks passed"
        if bad:
            words += f", {bad} FAILED: {phase.failed[0].name}"
        self._view.end(f"{phase.seconds:.1f} s, {words}")
        return went_on

    def _timed(
        self, phase: report.Phase, act: Callable[[report.Phase], None]
    ) -> bool:
        begun = time.monotonic()
        try:
            act(phase)
        except Exception as error:
            LOG.exception("Phase %s failed", phase.title)
            words = f"{type(error).__name__}: {error}"
            phase.check("goes through", False, words)
            return False
        finally:
            phase.seconds = time.monotonic() - begun
        return True

    def _start(self, phase: report.Phase) -> None:
        up = bringup.BringUp(self._layout, self._view.say, paired=False)
        up.run()
        described = access.read_description(self._layout)
        clouds = {
            site.name: self._open.enter_context(
                access.connect(self._layout, site.name)
            )
            for site in self._layout.sites
        }
        at_home = clouds[self._layout.sites[0].name]
        originals = {
            row["name"]: evidence.server(at_home, row["id"])
            for row in described["servers"]
        }
        interval = _CLOSELY if self._options.blows else None
        self._stage = story.Stage(
            layout=self._layout,
            clouds=clouds,
            view=self._view,
            disturber=self._disturber,
            patience=watch.Patience(
                OPERATION_SECONDS, interval or watch.Patience.interval
            ),
            guests=guests.Guests(),
            originals=originals,
        )
        running = [s.status == "ACTIVE" for s in originals.values()]
        phase.equal("three servers run", [True] * 3, running)
        phase.servers = len(originals)
        phase.volumes = sum(len(s.volumes) for s in originals.values())
        self._before = self._inventories()[0]

    def _pair(self, phase: report.Phase) -> None:
        for found in pairing.pair(self._layout):
            name = f"{found.at} of {found.of}: {found.check}"
            phase.check(name, found.ok, found.message)

    def _write(self, phase: report.Phase, site: layouts.Site) -> None:
        at_home = site == self._stage.a
        pages = story.FIRST_WRITES if at_home else story.MORE_WRITES
        story.write(self._stage, phase, site, pages)

    def _audit(self, phase: report.Phase) -> None:
        """Nothing of ours remains, but for what waits for eradication."""
        after, destroyed = self._inventories()
        names = [s.cloud for s in self._layout.sites]
        names += [s.array for s in self._layout.sites]
        for name, old, new in zip(names, self._before, after, strict=True):
            left = evidence.remainder(old, new)
            phase.check(
                f"nothing remains on {name}", not left, "; ".join(left)
            )
        self._view.say(
            f"{destroyed} destroyed objects wait for the arrays' own timer"
        )
        undealt = [str(blow) for blow in self._disturber.undealt]
        phase.equal("every kill was dealt", [], undealt)

    def _inventories(self) -> tuple[list[evidence.Inventory], int]:
        """Of the clouds, then of the arrays; and the destroyed objects."""
        sites = self._layout.sites
        clouds = [evidence.cloud_inventory(site) for site in sites]
        arrays = [evidence.array_inventory(site) for site in sites]
        return (
            clouds + [found for found, _destroyed in arrays],
            sum(destroyed for _found, destroyed in arrays),
        )

    def _down(self, phase: report.Phase) -> None:
        stopped = self._fleet.stop()
        left = [n for n, pid in self._fleet.living().items() if pid]
        phase.equal("no process is left", [], left)
        self._view.say(f"{len(stopped)} processes ended")
