# SPDX-License-Identifier: Apache-2.0
"""Where everything of one sandbox is: addresses, ports, paths.

Knows no process and changes nothing.  Two sandboxes differ in their state
directory and in their prefix: each has loopback addresses of its own.
"""

import dataclasses
import functools
import itertools
import json
import pathlib
import socket

PREFIX = "127.0.88"
CLOUD_PORT = 5000
ARRAY_PORT = 8443
API_PORT = 8788
LETTERS = ("a", "b")
THIRD = "c"
"""Of the site that only some tests start."""
DIRECTORY = ".sandbox"
PASSWORD = "secret"
"""Of every user that the emulated clouds seed."""
SERVICE_USER = "protector"
PROJECT = "demo"
"""The tenant's project, and its user."""
_GUARD = 254
"""Host part of the address that stands for the whole prefix."""


class LayoutError(Exception):
    """No addresses are free, or they are not the recorded ones."""


@dataclasses.dataclass(frozen=True)
class Site:
    """One site: its cloud, its array and its Protector.

    :ivar letter: ``a``, ``b`` or ``c``.
    :ivar address: of everything that the site serves.
    :ivar root: the sandbox's state directory, absolute.
    """

    letter: str
    address: str
    root: pathlib.Path

    @property
    def name(self) -> str:
        """Of the site, its region and its process: ``site-a``."""
        return f"site-{self.letter}"

    @property
    def cloud(self) -> str:
        """Name of the cloud's process."""
        return f"cloud-{self.letter}"

    @property
    def array(self) -> str:
        """Name of the array and its process."""
        return f"array-{self.letter}"

    @property
    def pod(self) -> str:
        """The pod of the site's back end, on its array and the other."""
        return f"pod-{self.letter}"

    @property
    def cloud_url(self) -> str:
        """``http://127.0.88.1:5000``, all services are below."""
        return f"http://{self.address}:{CLOUD_PORT}"

    @property
    def auth_url(self) -> str:
        """Keystone, with its version."""
        return f"{self.cloud_url}/identity/v3"

    @property
    def api_url(self) -> str:
        """Protector's API, the unversioned root."""
        return f"http://{self.address}:{API_PORT}"

    @property
    def array_target(self) -> str:
        """The array's management address, ``127.0.88.1:8443``."""
        return f"{self.address}:{ARRAY_PORT}"

    @property
    def array_url(self) -> str:
        """The array's REST."""
        return f"https://{self.array_target}"

    @property
    def array_token(self) -> str:
        """API token of the array; it opens a loopback address only."""
        return f"sandbox-token-of-{self.array}"

    @property
    def array_ca(self) -> pathlib.Path:
        """The authority that the array makes for itself when it starts."""
        return self.state(self.array) / "ca.pem"

    @property
    def backend(self) -> str:
        """Cinder's host string of the array."""
        return f"{self.name}@pure#pure"

    @property
    def config(self) -> pathlib.Path:
        """The site's protector.conf."""
        return self.state(self.name) / "protector.conf"

    def state(self, process: str) -> pathlib.Path:
        """The directory in which a process keeps what must survive it."""
        return self.root / "state" / process


@dataclasses.dataclass(frozen=True)
class Layout:
    """One sandbox.

    :ivar root: the state directory, absolute.
    :ivar prefix: the first three numbers of its loopback addresses.
    :ivar third: whether there is a site-c.
    """

    root: pathlib.Path
    prefix: str = PREFIX
    third: bool = False

    @functools.cached_property
    def every(self) -> tuple[Site, ...]:
        """All sites."""
        letters = (*LETTERS, THIRD) if self.third else LETTERS
        return tuple(
            Site(letter, f"{self.prefix}.{number}", self.root)
            for number, letter in enumerate(letters, 1)
        )

    @property
    def sites(self) -> tuple[Site, Site]:
        """site-a and site-b."""
        return self.every[0], self.every[1]

    @property
    def pairs(self) -> list[tuple[Site, Site]]:
        """Sites that know each other and whose arrays are connected."""
        return list(itertools.combinations(self.every, 2))

    def site(self, name: str) -> Site:
        """The site that a process belongs to, or that has the name."""
        return next(s for s in self.every if s.letter == name[-1])

    def other(self, site: Site) -> Site:
        """The other site; of a third one it is site-b."""
        a, b = self.sites
        return a if site == b else b

    @property
    def processes(self) -> tuple[str, ...]:
        """Names of the processes, in the order in which they start."""
        return (
            *(s.array for s in self.every),
            *(s.cloud for s in self.every),
            *(s.name for s in self.every),
        )

    @property
    def run(self) -> pathlib.Path:
        """Directory of the process records."""
        return self.root / "run"

    @property
    def log(self) -> pathlib.Path:
        """Directory of the logs, one file per process."""
        return self.root / "log"

    @property
    def clouds_yaml(self) -> pathlib.Path:
        """Credentials, for ``openstack --os-cloud site-a``."""
        return self.root / "clouds.yaml"

    @property
    def description(self) -> pathlib.Path:
        """The file in which programs find everything, as JSON."""
        return self.root / "sandbox.json"

    @property
    def record(self) -> pathlib.Path:
        """The file that remembers the prefix."""
        return self.root / "layout.json"

    def save(self) -> None:
        """Remember the prefix for the next command."""
        self.root.mkdir(parents=True, exist_ok=True)
        known = {"prefix": self.prefix, "third": self.third}
        self.record.write_text(json.dumps(known) + "\n")


def load(root: pathlib.Path) -> Layout | None:
    """The sandbox of a state directory, None if there never was one."""
    root = root.resolve()
    try:
        recorded = json.loads((root / "layout.json").read_text())
    except FileNotFoundError:
        return None
    return Layout(root, recorded["prefix"], recorded["third"])


class Claim:
    """Holds a prefix until its processes have bound their own ports.

    A context manager: what it binds is let go at the end.
    """

    def __init__(self, prefix: str) -> None:
        """:raises OSError: somebody else uses the prefix."""
        self._guard = _bound(f"{prefix}.{_GUARD}", API_PORT)
        try:
            _require_free(prefix)
        except OSError:
            self._guard.close()
            raise

    def __enter__(self) -> "Claim":
        return self

    def __exit__(self, *_: object) -> None:
        self._guard.close()


def choose(
    root: pathlib.Path, wanted: str | None, third: bool = False
) -> tuple[Layout, Claim]:
    """A layout on a free prefix, and the claim that keeps it so.

    :param wanted: this prefix or none; None for the first that is free.
    :param third: with a third site.
    :raises LayoutError: it is taken, or all are.
    """
    candidates = [wanted] if wanted else _candidates()
    for prefix in candidates:
        try:
            claim = Claim(prefix)
        except OSError:
            continue
        return Layout(root.resolve(), prefix, third), claim
    ports = f"ports {CLOUD_PORT}, {ARRAY_PORT} and {API_PORT}"
    tried = wanted or f"127.0.1 to 127.0.254, from {PREFIX} on"
    raise LayoutError(f"{ports} are taken on the addresses of {tried}.")


def _candidates() -> list[str]:
    head, first = PREFIX.rsplit(".", 1)
    numbers = [*range(int(first), 255), *range(1, int(first))]
    return [f"{head}.{number}" for number in numbers]


def _require_free(prefix: str) -> None:
    for number in range(1, len((*LETTERS, THIRD)) + 1):
        for port in (CLOUD_PORT, ARRAY_PORT, API_PORT):
            _bound(f"{prefix}.{number}", port).close()


def _bound(address: str, port: int) -> socket.socket:
    """:raises OSError: something listens there."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # connections that are only winding down do not count
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(1)
    except OSError:
        sock.close()
        raise
    return sock
