# SPDX-License-Identifier: Apache-2.0
"""Every file is small, named after its job and says what it is."""

import ast

from mccabe import PathGraphingAstVisitor

from protector.tests import base, source

MODULE_LINES = 400
TEST_LINES = 600
# one table per class, and their relations are read together
LONGER = {"protector/db/models.py": 600}
FUNCTION_LINES = 50
COMPLEXITY = 10

SPDX = "# SPDX-License-Identifier: Apache-2.0"
# rooms where everything ends up
BANNED_NAMES = ("common", "util", "utils", "helper", "helpers", "misc")

# Revisions are lists of tables and columns, as long as the schema is wide.
UNBOUNDED = "protector/db/migrations/versions/"

# Tests that are about the tree, not about a module of it.
WHOLE_TREE = (
    "test_api_ref",
    "test_budgets",
    "test_documentation",
    "test_grid",
    "test_layering",
    "test_no_monkey_patching",
    # a script of the stages
    "test_tally",
    "test_weigh",
)


def _docstring_lines(function: ast.AST) -> int:
    """How many lines of ``function`` are its docstring."""
    body = getattr(function, "body", [])
    if not body or not isinstance(body[0], ast.Expr):
        return 0
    value = body[0].value
    if not isinstance(value, ast.Constant) or not isinstance(value.value, str):
        return 0
    return (value.end_lineno or value.lineno) - value.lineno + 1


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    whole = (function.end_lineno or function.lineno) - function.lineno + 1
    return whole - _docstring_lines(function)


def _complexities(tree: ast.Module) -> list[tuple[str, int]]:
    visitor = PathGraphingAstVisitor()
    visitor.preorder(tree, visitor)
    return [
        (graph.entity, graph.complexity()) for graph in visitor.graphs.values()
    ]


class BudgetTest(base.TestCase):
    def test_modules_are_short(self) -> None:
        long = []
        for module in source.modules():
            limit = TEST_LINES if module.is_test else MODULE_LINES
            limit = LONGER.get(module.relative, limit)
            lines = len(module.text.splitlines())
            if lines > limit and UNBOUNDED not in module.relative:
                long.append(f"{module.relative}: {lines} lines of {limit}")
        self.assertEqual([], long)

    def test_functions_are_short(self) -> None:
        long = [
            f"{module.relative}:{function.lineno} {function.name}: "
            f"{_lines(function)} lines of {FUNCTION_LINES}"
            for module in source.modules()
            if UNBOUNDED not in module.relative
            for function in module.functions()
            if _lines(function) > FUNCTION_LINES
        ]
        self.assertEqual([], long)

    def test_functions_are_simple(self) -> None:
        tangled = [
            f"{module.relative}: {entity}: {complexity} of {COMPLEXITY}"
            for module in source.modules()
            for entity, complexity in _complexities(module.tree)
            if complexity > COMPLEXITY
        ]
        self.assertEqual([], tangled)

    def test_no_room_for_everything(self) -> None:
        self.assertEqual(
            [],
            [
                module.relative
                for module in source.modules()
                if module.name.split(".")[-1] in BANNED_NAMES
            ],
        )


class HeaderTest(base.TestCase):
    def test_every_file_has_the_licence(self) -> None:
        texts = {
            module.relative: module.text for module in source.modules()
        } | {
            path.relative_to(source.ROOT).as_posix(): path.read_text("utf-8")
            for folder in ("doc", "api-ref", "releasenotes", "tools")
            for path in (source.ROOT / folder).rglob("*.py")
        }
        self.assertEqual(
            [],
            [
                name
                for name, text in texts.items()
                if SPDX not in text.splitlines()[:2]
            ],
        )

    def test_every_module_says_its_job(self) -> None:
        self.assertEqual(
            [],
            [
                module.relative
                for module in source.modules()
                if not ast.get_docstring(module.tree)
            ],
        )


class MirrorTest(base.TestCase):
    def test_a_unit_test_sits_at_the_path_of_what_it_tests(self) -> None:
        """``test_x.py``, or ``test_x_aspect.py``, stands where ``x`` does."""
        strays = [
            module.relative
            for prefix, tree in (
                ("protector", source.service()),
                ("protectorclient", source.client()),
            )
            for module in tree
            if module.name.startswith(f"{prefix}.tests.unit.")
            and not _tests_something(module, prefix)
        ]
        self.assertEqual([], strays)


def _tests_something(module: source.Module, prefix: str) -> bool:
    *folders, name = module.name.removeprefix(f"{prefix}.tests.unit.").split(
        "."
    )
    if not name.startswith("test_"):
        # a package of tests, or fakes and data beside them
        return True
    if name in WHOLE_TREE:
        return True
    words = name.removeprefix("test_").split("_")
    parent = ".".join([prefix, *folders])
    return any(
        f"{parent}.{stem}" in source.names()
        for count in range(len(words), 0, -1)
        for stem in (
            "_".join(words[:count]),
            "_" + "_".join(words[:count]),
        )
    )
