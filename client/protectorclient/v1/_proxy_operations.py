# SPDX-License-Identifier: Apache-2.0
"""The part of the proxy for operations, and the waiting for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from protectorclient import errors, wait
from protectorclient.v1 import _base, _proxy_sites, operations


class OperationsMixin(_proxy_sites.TenantScoped):
    """Operations."""

    def operations(self, **query: Any) -> Iterator[operations.Operation]:
        """Operations, as the server sorts them.

        :param query: ``protection_group_id``, ``kind``, ``status``,
            ``all_projects``, paging
        """
        return self._list(operations.Operation, **self._tenant(), **query)

    def get_operation(
        self, operation: str | operations.Operation
    ) -> operations.Operation:
        """One operation, as it is now."""
        op_id = _base.Resource._get_id(operation)
        return self._get(
            operations.Operation, op_id, skip_cache=True, **self._tenant()
        )

    def retry_operation(
        self, operation: str | operations.Operation
    ) -> operations.Operation:
        """Let a failed operation go on."""
        return self._operation(operation).do(self, "retry")

    def skip_operation_step(
        self, operation: str | operations.Operation, step_id: str
    ) -> operations.Operation:
        """Leave out a step that is marked optional."""
        args = {"step_id": step_id}
        return self._operation(operation).do(self, "skip", args)

    def cancel_operation(
        self, operation: str | operations.Operation
    ) -> operations.Operation:
        """Stop an operation, where it still can be stopped."""
        return self._operation(operation).do(self, "cancel")

    def wait_for_operation(
        self,
        operation: str | operations.Operation,
        callback: wait.Callback | None = None,
        timeout: float | None = None,
        patience: wait.Patience | None = None,
    ) -> operations.Operation:
        """Wait until an operation has ended well.

        :param operation: the operation or its id
        :param callback: called with the operation after each look
        :param timeout: seconds; None waits for ever
        :param patience: instead of ``timeout``: all that can be set
        :returns: the completed operation
        :raises errors.OperationFailed: it failed or was cancelled
        :raises errors.WaitTimeout: the time passed; it goes on running
        """
        patience = patience or wait.Patience(timeout=timeout)
        ended = wait.wait_for_operations(
            self.get_operation,
            [self._operation(operation)],
            callback,
            patience,
        )[0]
        if ended.status != "completed":
            raise errors.OperationFailed(ended)
        return ended

    def _operation(
        self, operation: str | operations.Operation
    ) -> operations.Operation:
        return self._get_resource(
            operations.Operation, operation, **self._tenant()
        )
