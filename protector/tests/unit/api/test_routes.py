# SPDX-License-Identifier: Apache-2.0
"""The list of routes: complete, declared, and none answers with a 500."""

import re

from protector import policies
from protector.api import routes, validation
from protector.api.controllers import root
from protector.tests import base
from protector.tests.unit.api import served

ALL = routes.walk(root.RootController())
# what a route with this method must not lack
WITH_BODY = ("POST", "PUT")
# of those, the ones that are asked without a body
WITHOUT = ("/sync-force",)


def rule_paths() -> dict[str, set[str]]:
    """The operations that each rule documents, ids without their names."""
    found = {}
    for rule in policies.list_rules():
        operations = getattr(rule, "operations", [])
        found[rule.name] = {
            f"{o['method']} {plain(o['path'].split(' ')[0])}"
            for o in operations
        }
    return found


def plain(template: str) -> str:
    return re.sub(r"\{\w+\}", "{}", template)


class DeclarationTest(base.TestCase):
    def test_every_route_is_declared(self) -> None:
        missing = []
        for route in ALL:
            declared = validation.declaration(route.handler)
            name = f"{route.method} {route.template}"
            if not (declared.public or declared.rules):
                missing.append(f"{name}: no rule")
            if not declared.responses:
                missing.append(f"{name}: no schema of an answer")
            if (
                route.method in WITH_BODY
                and not declared.bodies
                and not route.template.endswith(WITHOUT)
            ):
                missing.append(f"{name}: no schema of the body")
        self.assertEqual([], missing)

    def test_every_rule_is_registered_and_documents_its_route(self) -> None:
        paths = rule_paths()
        wrong = []
        for route in ALL:
            declared = validation.declaration(route.handler)
            name = f"{route.method} {plain(route.template)}"
            if declared.rules and not any(
                name in paths[rule] for rule in declared.rules
            ):
                wrong.append(f"{name}: {declared.rules}")
        self.assertEqual([], wrong)

    def test_every_documented_path_is_a_route(self) -> None:
        real = {f"{r.method} {plain(r.template)}" for r in ALL}
        told = set().union(*rule_paths().values())
        self.assertEqual(set(), told - real)

    def test_lists_can_be_paged(self) -> None:
        for route in ALL:
            declared = validation.declaration(route.handler)
            for schema in declared.queries:
                known = set(schema.schema["properties"])
                self.assertTrue(
                    {"limit", "marker", "sort_key", "sort_dir"} <= known,
                    route.template,
                )


class TableTest(served.ApiTest):
    def test_nothing_answers_with_a_500(self) -> None:
        """Every route, with ids of nothing and odd bodies."""
        unknown = "00000000-0000-4000-8000-000000000000"
        for route in ALL:
            path = re.sub(
                r"\{(\w+)\}",
                lambda m: "p-here" if m[1] == "tenant" else unknown,
                route.template,
            )
            for body in (None, {}, [], "x", {"a": {"b": None}}):
                answer = self.ask(
                    route.method,
                    path,
                    body,
                    roles="admin,member,reader,service",
                    headers={"X-User-Name": "protector"},
                )
                self.assertLess(
                    answer.status_code, 500, f"{route} {answer.text}"
                )

    def test_every_method_that_is_not_there(self) -> None:
        unknown = "00000000-0000-4000-8000-000000000000"
        by_template: dict[str, set[str]] = {}
        for route in ALL:
            methods = by_template.setdefault(route.template, set())
            methods.add(route.method)
        for template, methods in by_template.items():
            path = re.sub(
                r"\{(\w+)\}",
                lambda m: "p-here" if m[1] == "tenant" else unknown,
                template,
            )
            for method in {"GET", "POST", "PUT", "DELETE"} - methods:
                answer = self.ask(method, path)
                self.refused(answer, 405, "MethodNotAllowed")
                allow = answer.headers["Allow"].split(", ")
                self.assertEqual(methods, set(allow), template)
