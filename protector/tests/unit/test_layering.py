# SPDX-License-Identifier: Apache-2.0
"""Layers point one way, and no import goes round in a circle."""

from collections.abc import Iterator
import graphlib

from protector.tests import base, source

# What a package may import beside itself, the top-level modules and conf.
LAYERS: dict[str, frozenset[str]] = {
    "conf": frozenset(),
    "storage": frozenset(),
    "clients": frozenset(),
    "db": frozenset(),
    "policies": frozenset(),
    "engine": frozenset({"storage", "clients", "db", "policies"}),
    "api": frozenset(
        {"storage", "clients", "db", "policies", "engine.rpcapi"}
    ),
    "cmd": frozenset(
        {"api", "engine", "storage", "clients", "db", "policies"}
    ),
    "wsgi": frozenset({"api", "storage", "clients", "db", "policies"}),
    "sandbox": frozenset(),
}

# Top-level modules that assemble packages, and which; no package below api
# and engine may import them.
ASSEMBLERS: dict[str, frozenset[str]] = {
    "policy": frozenset({"policies"}),
    "runtime": frozenset({"clients", "db", "engine.rpcapi", "storage"}),
    "service": frozenset(),
}

# The only modules of the sandbox that know the product: they start it.
SANDBOX_ASSEMBLY = ("protector.sandbox.cli", "protector.sandbox.site")


def _own(module: source.Module) -> Iterator[source.Import]:
    """The imports that ``module`` makes of our own code."""
    for found in module.imports:
        if found.target.split(".")[0] in ("protector", "protectorclient"):
            yield found


def _inside(target: str, part: str) -> bool:
    return target == part or target.startswith(f"{part}.")


def _package(name: str) -> str:
    """``protector.db.api.sites`` is in ``db``, ``protector.states`` in ''."""
    parts = name.split(".")
    if len(parts) > 1 and (source.SERVICE / parts[1]).is_dir():
        return parts[1]
    return ""


def _may_import(importer: str, target: str) -> bool:
    package, layer = _package(importer), _package(target)
    if layer in ("", package):
        return not _assembled(target) or package not in (
            "conf",
            "storage",
            "clients",
            "db",
            "policies",
        )
    if layer in ("sandbox", "tests"):
        return False
    if layer == "conf" or importer in SANDBOX_ASSEMBLY:
        return True
    if package:
        allowed = LAYERS.get(package, frozenset())
    else:
        allowed = ASSEMBLERS.get(importer.split(".")[-1], frozenset())
    return any(_inside(target, f"protector.{part}") for part in allowed)


def _assembled(target: str) -> bool:
    return target.split(".")[-1] in ASSEMBLERS and _package(target) == ""


class LayeringTest(base.TestCase):
    def test_every_package_has_a_layer(self) -> None:
        packages = {
            _package(module.name)
            for module in source.service()
            if not module.is_test
        }
        self.assertEqual(set(), packages - set(LAYERS) - {"", "tests"})

    def test_layers_point_one_way(self) -> None:
        wrong = [
            str(found)
            for module in source.service()
            if not module.is_test
            for found in _own(module)
            if not _may_import(module.name, found.target)
        ]
        self.assertEqual([], wrong)

    def test_service_and_client_do_not_know_each_other(self) -> None:
        wrong = [
            str(found)
            for module in source.modules()
            for found in _own(module)
            if not module.is_test
            and found.target.split(".")[0] != module.name.split(".")[0]
        ]
        self.assertEqual([], wrong)

    def test_client_tests_do_not_need_the_service(self) -> None:
        wrong = [
            str(found)
            for module in source.client()
            for found in _own(module)
            if _inside(found.target, "protector")
        ]
        self.assertEqual([], wrong)

    def test_no_import_of_our_own_inside_a_function(self) -> None:
        wrong = [
            str(found)
            for module in source.modules()
            for found in _own(module)
            if found.nested
        ]
        self.assertEqual([], wrong)

    def test_no_import_cycle(self) -> None:
        graph = {
            module.name: {found.target for found in _own(module)}
            - {module.name}
            for module in source.modules()
        }
        try:
            graphlib.TopologicalSorter(graph).prepare()
        except graphlib.CycleError as error:
            self.fail(f"import cycle: {' <- '.join(error.args[1])}")


class LayeringRulesTest(base.TestCase):
    """The rules themselves: what they let through and what they stop."""

    def _check(self, expected: bool, importer: str, target: str) -> None:
        self.assertEqual(
            expected,
            _may_import(f"protector.{importer}", f"protector.{target}"),
            f"{importer} -> {target}",
        )

    def test_the_api_reaches_the_engine_only_by_rpc(self) -> None:
        self._check(True, "api.app", "engine.rpcapi")
        self._check(False, "api.app", "engine.runner")

    def test_the_engine_never_reaches_the_api(self) -> None:
        self._check(False, "engine.runner", "api.app")
        self._check(True, "engine.runner", "db.models")

    def test_lower_packages_do_not_know_each_other(self) -> None:
        self._check(False, "storage.base", "db.models")
        self._check(False, "clients.nova", "storage.base")
        self._check(False, "db.models", "runtime")
        self._check(True, "clients.nova", "exception")

    def test_nobody_imports_the_sandbox_or_the_tests(self) -> None:
        self._check(False, "cmd.api", "sandbox.site")
        self._check(False, "runtime", "sandbox.site")
        self._check(False, "api.app", "tests.base")

    def test_the_sandbox_knows_the_product_in_two_modules(self) -> None:
        self._check(False, "sandbox.cloud.wsgi", "api.app")
        self._check(True, "sandbox.site", "api.app")
        self._check(True, "sandbox.cli", "engine.service")

    def test_top_level_modules_stay_at_the_bottom(self) -> None:
        self._check(False, "states", "db.models")
        self._check(True, "states", "constants")
        self._check(True, "runtime", "db.models")
        self._check(False, "runtime", "engine.runner")
