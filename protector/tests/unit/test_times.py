# SPDX-License-Identifier: Apache-2.0
"""Every time that a user sees has one form."""

import datetime
import json

from protector import times
from protector.tests import base, source, timeform

SAMPLES = source.ROOT / "api-ref" / "source" / "samples"
# what the sites tell each other keeps the fractions of a second
AMONG_SITES = "peer"


class TimesTest(base.TestCase):
    def test_utc_with_z_and_whole_seconds(self) -> None:
        east = datetime.timezone(datetime.timedelta(hours=2))
        value = datetime.datetime(2026, 11, 24, 1, 30, 15, 987654, east)
        self.assertEqual("2026-11-23T23:30:15Z", times.iso(value))
        self.assertIsNone(times.iso(None))

    def test_all_samples(self) -> None:
        seen = 0
        for path in SAMPLES.rglob("*.json"):
            if path.parent.name == AMONG_SITES:
                continue
            body = json.loads(path.read_text("utf-8"))
            self.assertEqual([], timeform.strange(body), path.name)
            seen += 1
        self.assertGreater(seen, 40)

    def test_what_it_finds(self) -> None:
        body = {
            "a": [{"b_at": "2026-11-24T03:12:27+00:00"}],
            "c_at": "2026-11-24T03:12:27Z",
            "d_at": "2026-11-24T03:12:27.5Z",
        }
        self.assertEqual(2, len(timeform.strange(body)))
