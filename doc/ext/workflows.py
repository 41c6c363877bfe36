# SPDX-License-Identifier: Apache-2.0
"""Sphinx directive ``protector-workflows``: the workflows, from the code.

It lists what ``protector.engine.workflows`` holds when the pages are built,
so the pages cannot tell of steps that are not there.
"""

from collections.abc import Callable, Iterator
import inspect
from typing import Any

from docutils import nodes, statemachine
from docutils.parsers import rst
from sphinx import application

from protector.engine import step as steps_api
from protector.engine import steps, workflows


class WorkflowsDirective(rst.Directive):
    """A list of the steps under a rubric for each workflow."""

    def run(self) -> list[nodes.Node]:
        lines = statemachine.StringList(list(_lines()), "protector-workflows")
        container = nodes.container()
        self.state.nested_parse(lines, self.content_offset, container)
        return container.children


def _lines() -> Iterator[str]:
    for verbs, workflow in _workflows():
        yield f".. rubric:: {', '.join(verbs)}"
        yield ""
        for stage in workflow:
            yield from _stage(stage)


def _workflows() -> Iterator[tuple[list[str], steps_api.Workflow]]:
    """Each workflow once, with the verbs that it carries out."""
    verbs: dict[steps_api.Workflow, list[str]] = {}
    for verb, workflow in workflows.WORKFLOWS.items():
        verbs.setdefault(workflow, []).append(str(verb))
    for workflow, names in verbs.items():
        yield names, workflow


def _stage(stage: steps_api.Stage) -> Iterator[str]:
    if isinstance(stage, steps_api.One):
        yield from _step(
            stage.step, ["beside the rest"] if stage.beside else []
        )
        return
    where = ["for each member"]
    if stage.tiers:
        where.append("tier by tier")
    for name in stage.steps:
        yield from _step(name, where)
    if stage.tiers:
        yield from _step(stage.tiers, ["between two tiers"])


def _step(name: str, where: list[str]) -> Iterator[str]:
    step = steps.STEPS[name]
    remarks = [*where]
    if step.optional:
        remarks.append("optional")
    if step.undo is not None:
        remarks.append("can be undone")
    text = f"* ``{name}``"
    if remarks:
        text += f" ({', '.join(remarks)})"
    summary = _summary(step.run)
    yield f"{text}: {summary}" if summary else text
    yield ""


def _summary(run: Callable[..., Any]) -> str:
    """The first paragraph of a docstring, on one line; or nothing."""
    text = inspect.getdoc(run) or ""
    return " ".join(text.split("\n\n")[0].split())


def setup(app: application.Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("protector-workflows", WorkflowsDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
