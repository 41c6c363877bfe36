# SPDX-License-Identifier: Apache-2.0
"""Arrays for whoever has none: started as a user starts them, and driven by
the vendor's SDKs with nothing but what was printed."""

import configparser
import pathlib
import re
import secrets
import signal
import subprocess
import sys

import fixtures
import purestorage
from pypureclient import flasharray

from protector.sandbox import cli, fleet
from protector.sandbox.array import command
from protector.tests import base, source
from protector.tests.unit.sandbox.array import processes

_MIB = 1024**2
_PAGES = source.ROOT / "doc" / "source"
_LINE = re.compile(r"^    protector-sandbox array ?(.*)$", re.MULTILINE)


class CommandTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        numbers = (secrets.randbelow(250) + 2 for _ in range(2))
        self.address = ".".join(["127", *map(str, numbers), "1"])

    def start(self) -> tuple[subprocess.Popen[str], dict[str, str]]:
        """The process, and the section of Cinder's backend."""
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", cli.__name__, "array"),
                *("--pair", "--address", self.address),
            ],
            env=fleet.environment(),
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.addCleanup(process.wait, 20)
        self.addCleanup(process.kill)
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            if line.startswith("replication_device"):
                break
        self.assertEqual(
            [f"ready https://{self.address}:8443\n"], lines[:1], lines
        )
        parser = configparser.ConfigParser()
        parser.read_string("".join(lines[2:]))
        (backend,) = parser["DEFAULT"]["enabled_backends"].split(",")
        return process, dict(parser[backend])

    def test_a_pair_for_both_sdks(self) -> None:
        process, told = self.start()
        other = dict(
            pair.split(":", 1)
            for pair in told["replication_device"].split(",")
        )
        self.assertEqual("async", other["type"])
        self.volume_by_rest2(told["san_ip"], told["pure_api_token"])
        a = self.sdk(told["san_ip"], told["pure_api_token"])
        b = self.sdk(other["san_ip"], other["api_token"])
        a.create_pgroup("group", vollist=["made-by-rest2"])
        a.set_pgroup("group", addtargetlist=[other["backend_id"]])
        remote = f"{a.get()['array_name']}:group"
        b.set_pgroup(remote, allowed=True)
        a.create_pgroup_snapshot("group", suffix="s", replicate_now=True)
        processes.eventually(
            lambda: (
                [
                    row["name"]
                    for row in b.get_pgroup(remote, snap=True, transfer=True)
                    if row["completed"]
                ]
                == [f"{remote}.s"]
            )
        )
        process.send_signal(signal.SIGTERM)
        self.assertEqual(0, process.wait(20))
        _, again = self.start()
        self.assertEqual(told, again)
        a = self.sdk(told["san_ip"], told["pure_api_token"])
        self.assertEqual(_MIB, a.get_volume("made-by-rest2")["size"])

    def sdk(self, target: str, token: str) -> purestorage.FlashArray:
        options = {"verify": False, "timeout": 20, "proxies": {"https": ""}}
        return purestorage.FlashArray(
            target, api_token=token, request_kwargs=options
        )

    def volume_by_rest2(self, target: str, token: str) -> None:
        """As Cinder's driver calls the SDK."""
        client = flasharray.Client(target=target, api_token=token, timeout=20)
        made = client.post_volumes(
            names=["made-by-rest2"],
            volume=flasharray.VolumePost(provisioned=_MIB),
        )
        self.assertEqual(200, made.status_code)

    # -- the command line

    def test_a_token_that_was_given_is_not_told(self) -> None:
        served: list[tuple[object, ...]] = []
        self.useFixture(
            fixtures.MonkeyPatch(
                "protector.sandbox.array.command.serve",
                lambda *given: served.append(given),
            )
        )
        given = ["--state", str(self.home), "--pair", command.SYNC]
        command.main([*given, "--api-token", "t"])
        (arrays, link, told) = served.pop()
        self.assertEqual(["t", "t"], [each.api_token for each in arrays])
        self.assertEqual((command.SYNC, ""), (link, told))
        command.main(given)
        (arrays, _, told) = served.pop()
        self.assertEqual(2, len({each.api_token for each in arrays}))
        self.assertIn("type:sync", told)
        token = self.home / "api-token"
        self.assertEqual(0o600, token.stat().st_mode & 0o777)

    def test_served_on_loopback_only(self) -> None:
        self.assertRaises(SystemExit, command.parse, ["--address", "10.0.0.1"])

    def test_what_the_pages_call_can_be_called(self) -> None:
        called = [
            line
            for page in _PAGES.rglob("*.rst")
            for line in _LINE.findall(page.read_text("utf-8"))
        ]
        self.assertGreater(len(called), 1)
        for line in called:
            words = line.split()
            if "--help" not in words:
                command.parse(words)
