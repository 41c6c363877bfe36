# SPDX-License-Identifier: Apache-2.0
"""What guests wrote is found again, and what differs is found out."""

import hashlib
import http.server
import pathlib
import threading
import urllib.parse

from protector.sandbox import guests, layout
from protector.tests import base

DISK = guests.Disk("web-boot", "server", "volume")


class GuestsTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.disk = server.disk = bytearray(64 * guests.PAGE)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join, 10)
        self.addCleanup(server.shutdown)
        self.site = _Site("a", "127.0.0.1", pathlib.Path())
        self.site.port.append(server.server_address[1])
        self.guests = guests.Guests()

    def test_what_was_written_is_found(self) -> None:
        self.guests.write(self.site, DISK, 2, 3)
        self.guests.write(self.site, DISK, 4, 2)
        self.assertIsNone(self.guests.wrong(self.site, DISK))
        self.assertEqual(
            [2, 3, 4, 5], sorted(self.guests.contents[DISK.key].pages)
        )

    def test_a_lost_page(self) -> None:
        self.guests.write(self.site, DISK, 2, 3)
        self.disk[3 * guests.PAGE] ^= 1
        self.assertEqual(
            "1 of 3 pages differ", self.guests.wrong(self.site, DISK)
        )

    def test_a_change_where_nothing_was_written(self) -> None:
        self.guests.write(self.site, DISK, 2, 3)
        self.disk[40 * guests.PAGE] = 1
        self.assertEqual(
            "what was never written differs",
            self.guests.wrong(self.site, DISK),
        )

    def test_runs(self) -> None:
        self.assertEqual([], guests.runs([]))
        self.assertEqual(
            [(1, 3), (7, 1), (9, 2)], guests.runs([1, 2, 3, 7, 9, 10])
        )


class _Site(layout.Site):
    """A site whose cloud is the test's own server."""

    port: list[int] = []

    @property
    def cloud_url(self) -> str:
        return f"http://127.0.0.1:{self.port[-1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    def _query(self) -> dict[str, str]:
        query = urllib.parse.urlsplit(self.path).query
        return dict(urllib.parse.parse_qsl(query))

    def do_PUT(self) -> None:  # noqa: N802
        at = int(self._query()["offset"])
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.disk[at : at + len(data)] = data
        self._answer(b"{}")

    def do_GET(self) -> None:  # noqa: N802
        query = self._query()
        if "digest" in query:
            found = hashlib.sha256(self.server.disk).hexdigest()
            self._answer(b'{"digest": "%s"}' % found.encode())
            return
        at, length = int(query["offset"]), int(query["length"])
        self._answer(bytes(self.server.disk[at : at + length]))

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """The test's log is about the client."""
