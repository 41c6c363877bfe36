# SPDX-License-Identifier: Apache-2.0
"""Reads the source tree for the tests that hold the architecture.

It parses; it never imports what it reads.
"""

import ast
from collections.abc import Iterator
import dataclasses
import functools
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICE = ROOT / "protector"
CLIENT = ROOT / "client" / "protectorclient"


@dataclasses.dataclass(frozen=True)
class Import:
    """One imported name: ``importer`` (a module) takes ``target``.

    ``target`` is a module of ours where the name is one, else the module or
    foreign name as written. ``nested`` is true inside a function.
    """

    importer: str
    target: str
    line: int
    nested: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


@dataclasses.dataclass(frozen=True)
class Module:
    """A source file: its dotted name, its path and its text."""

    name: str
    path: pathlib.Path
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, str(self.path))

    @property
    def relative(self) -> str:
        """The path from the top of the checkout."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def is_test(self) -> bool:
        return "tests" in self.name.split(".")

    def functions(
        self,
    ) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield node

    @functools.cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(self._imports())

    def _imports(self) -> Iterator[Import]:
        nested = {
            id(inner)
            for function in self.functions()
            for inner in ast.walk(function)
        }
        for node in ast.walk(self.tree):
            for target in self._targets(node):
                yield Import(
                    self.name, target, node.lineno, id(node) in nested
                )

    def _targets(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            base = self._base(node)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in names() else base

    def _base(self, node: ast.ImportFrom) -> str:
        """The absolute module that ``from ... import`` names."""
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        if self.path.name == "__init__.py":
            parts.append("")
        parents = parts[: -node.level]
        return ".".join(parents + ([node.module] if node.module else []))


def _read(top: pathlib.Path) -> Iterator[Module]:
    for path in sorted(top.rglob("*.py")):
        parts = list(path.relative_to(top.parent).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        yield Module(".".join(parts), path, path.read_text("utf-8"))


@functools.cache
def service() -> tuple[Module, ...]:
    """Every module of ``protector``, tests included."""
    return tuple(_read(SERVICE))


@functools.cache
def client() -> tuple[Module, ...]:
    """Every module of ``protectorclient``, tests included."""
    return tuple(_read(CLIENT))


def modules() -> tuple[Module, ...]:
    """Every module of both distributions."""
    return service() + client()


@functools.cache
def names() -> frozenset[str]:
    """The dotted names of :func:`modules`."""
    return frozenset(module.name for module in modules())
