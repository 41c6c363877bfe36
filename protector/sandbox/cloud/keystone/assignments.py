# SPDX-License-Identifier: Apache-2.0
"""Who has which role where: direct, inherited and implied.

An assignment's document: ``role_id``, ``user_id``, ``target`` (``project``
or ``domain``), ``target_id``, ``inherited`` (to the projects below).
"""

import collections.abc

from protector.sandbox.cloud import store


def assignment_id(
    role_id: str, user_id: str, target: str, target_id: str, inherited: bool
) -> str:
    """Return the id that makes an assignment unique."""
    kind = "inherited" if inherited else "direct"
    return ":".join((kind, target, target_id, user_id, role_id))


class Assignments:
    """Reads and writes role assignments."""

    def __init__(self, storage: store.Store) -> None:
        self._store = storage
        self.table = storage.table("role_assignments")
        self._roles = storage.table("roles")
        self._projects = storage.table("projects")
        self._implied = storage.table("implied_roles")

    def grant(
        self,
        role_id: str,
        user_id: str,
        target: str,
        target_id: str,
        inherited: bool = False,
    ) -> None:
        """Give a role; giving it again changes nothing."""
        key = assignment_id(role_id, user_id, target, target_id, inherited)
        self.table.put(
            {
                "id": key,
                "role_id": role_id,
                "user_id": user_id,
                "target": target,
                "target_id": target_id,
                "inherited": inherited,
            }
        )

    def imply(self, prior_id: str, implied_id: str) -> None:
        """Make one role imply another."""
        self._implied.put(
            {
                "id": f"{prior_id}:{implied_id}",
                "prior_id": prior_id,
                "implied_id": implied_id,
            }
        )

    def expand(self, role_ids: collections.abc.Iterable[str]) -> list[str]:
        """Return the roles and all that they imply, without repeats."""
        rows = self._implied.list()
        found: list[str] = []
        waiting = list(role_ids)
        while waiting:
            role_id = waiting.pop(0)
            if role_id in found:
                continue
            found.append(role_id)
            waiting += [
                row["implied_id"] for row in rows if row["prior_id"] == role_id
            ]
        return found

    def on_project(self, user_id: str, project_id: str) -> list[str]:
        """Return the ids of the roles that count in a project."""
        parents = self._parents(project_id)
        return self.expand(
            row["role_id"]
            for row in self.table.list(user_id=user_id)
            if (
                row["target_id"] in parents
                if row["inherited"]
                else row["target_id"] == project_id
            )
        )

    def on_domain(self, user_id: str, domain_id: str) -> list[str]:
        """Return the ids of the roles that count in a domain itself."""
        return self.expand(
            row["role_id"]
            for row in self.table.list(user_id=user_id)
            if row["target_id"] == domain_id and not row["inherited"]
        )

    def projects_of(self, user_id: str) -> list[store.Document]:
        """Return the projects in which a user has any role."""
        return [
            project
            for project in self._projects.list()
            if self.on_project(user_id, project["id"])
        ]

    def effective(self) -> list[store.Document]:
        """Return all assignments as they work out, one per project."""
        found: dict[str, store.Document] = {}
        for row in self.table.list():
            for target_id in self._reached(row):
                for role_id in self.expand([row["role_id"]]):
                    target = "project" if row["inherited"] else row["target"]
                    key = assignment_id(
                        role_id, row["user_id"], target, target_id, False
                    )
                    found[key] = {
                        **row,
                        "id": key,
                        "role_id": role_id,
                        "target": target,
                        "target_id": target_id,
                        "inherited": False,
                    }
        return list(found.values())

    def forget(self, field: str, value: str) -> None:
        """Remove the assignments of a user, role or target that is gone."""
        for row in self.table.list(**{field: value}):
            self.table.delete(row["id"])

    def _reached(self, row: store.Document) -> list[str]:
        if not row["inherited"]:
            return [row["target_id"]]
        return [
            project["id"]
            for project in self._projects.list()
            if row["target_id"] in self._parents(project["id"])
        ]

    def _parents(self, project_id: str) -> set[str]:
        parents: set[str] = set()
        project = self._projects.get(project_id)
        while project is not None:
            parents |= {project["domain_id"], project["parent_id"]}
            project = self._projects.get(project["parent_id"])
        return parents
