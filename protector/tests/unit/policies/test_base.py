# SPDX-License-Identifier: Apache-2.0
"""The personas, each against every rule."""

import pathlib

import fixtures
from oslo_config import cfg
from oslo_policy import generator

from protector import context, policies, policy, service
from protector.tests import base

OWN, OTHER = "p-own", "p-other"
ADMINISTRATION = (
    "sites:show_registration",
    "sites:create",
    "sites:update",
    "sites:delete",
    "sites:validate",
    "sites:declare_lost",
    "sites:replace",
    "tenant_mappings:index",
    "tenant_mappings:show",
    "tenant_mappings:create",
    "tenant_mappings:delete",
    "replication_policies:set_arrays",
    "health:show",
)
READING = ("index", "show")
PEER = "metadata_sync:peer"


class PersonaTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        conf = service.load_conf([], default_config_files=[])
        self.enforcer = policy.Enforcer(conf)
        self.rules = [
            rule.name.removeprefix("protector:")
            for rule in policies.list_rules()
            if rule.name.startswith("protector:")
        ]

    def allowed(self, *roles: str, project: str = OWN) -> set[str]:
        """What a token of ``OWN`` may do to a row of ``project``."""
        who = context.RequestContext(
            roles=list(roles), project_id=OWN, overwrite=False
        )
        target = {"project_id": project}
        return {
            rule
            for rule in self.rules
            if self.enforcer.allows(who, f"protector:{rule}", target)
        }

    def reading(self) -> set[str]:
        return {
            rule
            for rule in self.rules
            if rule.split(":")[1] in READING and rule not in ADMINISTRATION
        }

    def test_reader(self) -> None:
        self.assertEqual(self.reading(), self.allowed("reader"))

    def test_member(self) -> None:
        every = set(self.rules) - set(ADMINISTRATION) - {PEER}
        self.assertEqual(every, self.allowed("member"))
        self.assertEqual(every, self.allowed("manager", "member", "reader"))

    def test_administrator_of_any_project(self) -> None:
        every = set(self.rules) - {PEER}
        self.assertEqual(every, self.allowed("admin"))
        self.assertEqual(every, self.allowed("admin", project=OTHER))

    def test_service(self) -> None:
        self.assertEqual({PEER}, self.allowed("service", project=OTHER))

    def test_nobody_reaches_into_another_project(self) -> None:
        roles = ("member", "manager", "reader")
        self.assertEqual(set(), self.allowed(*roles, project=OTHER))
        self.assertEqual(set(), self.allowed())

    def test_every_rule_is_documented(self) -> None:
        for rule in policies.list_rules():
            self.assertTrue(rule.description, rule.name)
            if rule.name.startswith("protector:"):
                self.assertTrue(rule.operations, rule.name)
                self.assertEqual(["project"], rule.scope_types)

    def test_the_generated_sample_has_every_rule(self) -> None:
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "s")
        generator.generate_sample(
            ["--namespace", "protector", "--output-file", str(path)],
            cfg.ConfigOpts(),
        )
        sample = path.read_text()
        for rule in policies.list_rules():
            self.assertIn(f'#"{rule.name}": "{rule.check_str}"\n', sample)
            for operation in getattr(rule, "operations", []):
                line = f"# {operation['method']}  {operation['path']}\n"
                self.assertIn(line, sample, rule.name)

    def test_the_names_that_policy_files_override(self) -> None:
        self.assertEqual(
            "role:admin or (role:member and project_id:%(project_id)s)",
            self._check_of("admin_or_owner"),
        )
        self.assertEqual("rule:admin_or_owner", self._check_of("default"))

    def _check_of(self, name: str) -> str:
        (rule,) = (r for r in policies.list_rules() if r.name == name)
        return rule.check_str
