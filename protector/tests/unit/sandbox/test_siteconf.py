# SPDX-License-Identifier: Apache-2.0
"""The configuration of a sandbox's site is one that the service reads."""

import pathlib
import stat

import fixtures

from protector import service
from protector.conf import opts as options
from protector.sandbox import layout, siteconf
from protector.tests import base

FOREIGN = ("database", "keystone_authtoken")
"""Sections of libraries."""


class SiteConfTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.layout = layout.Layout(root, "127.0.201")
        self.site = self.layout.sites[1]
        siteconf.write(self.layout, self.site)
        self.conf = service.load_conf(
            ["--config-file", str(self.site.config)], []
        )

    def test_what_is_written_is_read(self) -> None:
        self.assertEqual("127.0.201.2", str(self.conf.api.bind_host))
        self.assertEqual(["array-a", "array-b"], self.conf.storage.arrays)
        array = self.conf["array-a"]
        self.assertEqual("127.0.201.1:8443", array.management_address)
        self.assertEqual("site-a", array.site)
        self.assertTrue(array.verify)
        self.assertTrue(self.conf.peer.match_projects_by_name)

    def test_no_option_is_unknown(self) -> None:
        known = {
            (group or "DEFAULT", opt.dest)
            for group, found in options.list_opts()
            for opt in found
        }
        unknown = [
            (section, name)
            for section, found in siteconf.sections(
                self.layout, self.site
            ).items()
            for name in found
            if section not in FOREIGN
            and (section, name) not in known
            and name not in ("transport_url", "use_stderr")
            and section != "array-b"
        ]
        self.assertEqual([], unknown)

    def test_adoption_waits_for_the_longest_call(self) -> None:
        for timeouts in (self.conf.clouds, self.conf.peer, self.conf.storage):
            self.assertLessEqual(
                timeouts.connect_timeout + timeouts.read_timeout,
                self.conf.engine.call_margin,
            )

    def test_only_its_owner_reads_it(self) -> None:
        mode = stat.S_IMODE(self.site.config.stat().st_mode)
        self.assertEqual(0o600, mode)

    def test_again(self) -> None:
        before = self.site.config.read_text()
        siteconf.write(self.layout, self.site)
        self.assertEqual(before, self.site.config.read_text())
