# SPDX-License-Identifier: Apache-2.0
"""The one place that asks oslo.policy: what an operator's file does."""

import os
import pathlib

import fixtures
from oslo_policy import opts
from oslo_policy import policy as oslo_policy

from protector import context, exception, policy, service
from protector.tests import base

INDEX = "protector:protection_groups:index"
BROKEN = ("{ : [", "- a list", f'"{INDEX}": 5')
TARGET = {"project_id": "p-own"}


class FileTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = self.useFixture(fixtures.TempDir()).path
        self.file = pathlib.Path(folder, "policy.yaml")
        conf = service.load_conf([], default_config_files=[])
        opts.set_defaults(conf, policy_file=str(self.file))
        self.conf = conf
        self.enforcer = policy.Enforcer(conf)
        self.reader = context.RequestContext(
            roles=["reader"], project_id="p-own", overwrite=False
        )
        self.second = 1_000_000

    def write(self, text: str) -> None:
        """Each time a second later, as an editor's file would be."""
        self.file.write_text(text)
        self.second += 1
        os.utime(self.file, (self.second, self.second))

    def allows(self, rule: str = INDEX) -> bool:
        return self.enforcer.allows(self.reader, rule, TARGET)

    def test_without_a_file_the_defaults_hold(self) -> None:
        self.assertTrue(self.allows())

    def test_a_changed_file_is_read_again(self) -> None:
        self.write(f'"{INDEX}": "rule:default"')
        self.assertFalse(self.allows())
        self.write(f'"{INDEX}": "role:reader"')
        self.assertTrue(self.allows())
        self.write('"default": "role:nobody"')
        self.assertTrue(self.allows())
        self.write(f'"{INDEX}": "!"')
        self.assertFalse(self.allows())

    def test_a_changed_persona_changes_all_that_is_made_of_it(self) -> None:
        self.write('"project_reader": "role:observer"')
        self.assertFalse(self.allows())
        self.assertFalse(self.allows("protector:members:index"))

    def test_a_file_broken_meanwhile_changes_nothing(self) -> None:
        self.write(f'"{INDEX}": "rule:default"')
        self.assertFalse(self.allows())
        for text in BROKEN:
            self.write(text)
            self.assertFalse(self.allows(), text)
            self.assertIn("the rules before it hold", self.log_output)

    def test_nothing_is_allowed_where_the_file_was_always_broken(self) -> None:
        for text in BROKEN:
            self.write(text)
            self.assertRaises(
                exception.ServiceUnavailable, policy.Enforcer, self.conf
            )

    def test_an_unknown_rule_is_an_error_not_a_no(self) -> None:
        self.assertRaises(
            oslo_policy.PolicyNotRegistered,
            self.allows,
            "protector:protection_groups:explode",
        )

    def test_a_refusal_names_the_rule(self) -> None:
        rule = "protector:sites:create"
        error = self.assertRaises(
            exception.PolicyForbidden,
            self.enforcer.authorize,
            self.reader,
            rule,
            TARGET,
        )
        self.assertEqual(rule, error.as_dict()["details"]["rule"])
