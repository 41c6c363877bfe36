# SPDX-License-Identifier: Apache-2.0
"""Whose operation runs next, when more wait than there are places for.

Projects take turns, so that one with a whole site to move does not keep the
others waiting.  What an operation is, is not known here.
"""

import collections
import threading


class Turns:
    """Ids of operations that wait, by project; of threads."""

    def __init__(self) -> None:
        self._waiting: dict[str, collections.deque[str]] = {}
        self._guard = threading.Lock()

    def add(self, project_id: str, operation_id: str) -> None:
        with self._guard:
            queue = self._waiting.setdefault(project_id, collections.deque())
            queue.append(operation_id)

    def take(self) -> str:
        """The oldest operation of the project that has waited longest for
        its turn.

        :raises StopIteration: none waits.
        """
        with self._guard:
            project_id = next(iter(self._waiting))
            queue = self._waiting.pop(project_id)
            operation_id = queue.popleft()
            if queue:
                # behind the others
                self._waiting[project_id] = queue
            return operation_id
