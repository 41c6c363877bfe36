# SPDX-License-Identifier: Apache-2.0
"""Every refusal and failure of the service, one class each.

The class name is the stable ``reason`` that scripts and the CLI match;
``code`` is the HTTP status the API answers with; ``remedy`` tells the user
what to do next.  Errors of foreign libraries are translated into these once,
in ``clients`` and ``storage``.
"""

from typing import Any


class ProtectorError(Exception):
    """Base of all.  ``details`` are JSON primitives shown to the user."""

    code = 500
    title = "Internal Server Error"
    remedy = "Look at the log of the service under the request id."

    def __init__(
        self,
        message: str,
        *,
        remedy: str | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        if remedy is not None:
            self.remedy = remedy

    @property
    def reason(self) -> str:
        return type(self).__name__

    def as_dict(self) -> dict[str, Any]:
        """The error as it is stored in operations and sent over RPC."""
        return {
            "reason": self.reason,
            "message": self.message,
            "remedy": self.remedy,
            "details": self.details,
        }


def from_dict(data: dict[str, Any]) -> "ProtectorError":
    """Rebuild what ``as_dict`` made; an unknown reason keeps its text."""
    cls = _by_reason().get(data["reason"], ProtectorError)
    return cls(
        data["message"], remedy=data.get("remedy"), **data.get("details", {})
    )


def _by_reason() -> dict[str, type[ProtectorError]]:
    found: dict[str, type[ProtectorError]] = {}
    todo: list[type[ProtectorError]] = [ProtectorError]
    while todo:
        cls = todo.pop()
        found[cls.__name__] = cls
        todo.extend(cls.__subclasses__())
    return found


# -- 400


class BadRequest(ProtectorError):
    code = 400
    title = "Bad Request"
    remedy = "Correct the request and send it again."


class InvalidReference(BadRequest):
    remedy = "Name an object that exists in your project."


class ImmutableField(BadRequest):
    remedy = "Leave the field out, or create a new protection group."


class VolumeTypeNotReplicated(BadRequest):
    remedy = (
        "Set replication_enabled='<is> True' and replication_type on the "
        "volume type at both sites."
    )


class VolumeTypeAmbiguous(BadRequest):
    remedy = "Name the type with secondary_volume_type_id."


class VolumeTypeMismatch(BadRequest):
    remedy = "Retype the volumes to the volume type of the group."


class ReplicationTypeMismatch(BadRequest):
    remedy = "Ask for the replication type that the volume type has."


class ReplicationTypeNotAvailable(BadRequest):
    remedy = (
        "Use replication_type async, or have the operators give the Cinder "
        "backends a replication_device of type sync, on arrays of Purity 6.1 "
        "or later."
    )


class MemberNotProtectable(BadRequest):
    remedy = "Change the server as the message says, or leave it out."


class MalformedVersion(BadRequest):
    remedy = "Send 'OpenStack-API-Version: protector 1.x'."


# -- 401 to 415


class Unauthorized(ProtectorError):
    code = 401
    title = "Unauthorized"
    remedy = "Send a valid token in X-Auth-Token."


class PolicyForbidden(ProtectorError):
    code = 403
    title = "Forbidden"
    remedy = "Ask an administrator for the role that the rule wants."


class QuotaExceeded(ProtectorError):
    code = 403
    title = "Forbidden"
    remedy = "Free some of the quota, or ask for more."


class NotFound(ProtectorError):
    code = 404
    title = "Not Found"
    remedy = "List the objects of your project and use one of those."


class MethodNotAllowed(ProtectorError):
    code = 405
    title = "Method Not Allowed"
    remedy = "Use one of the methods in Allow."


class NotAcceptable(ProtectorError):
    code = 406
    title = "Not Acceptable"
    remedy = "Accept application/json."


class VersionNotAcceptable(ProtectorError):
    code = 406
    title = "Not Acceptable"
    remedy = "Ask for a version between min_version and max_version."


class BodyTooLarge(ProtectorError):
    code = 413
    title = "Request Entity Too Large"
    remedy = "Send a smaller body."


class UnsupportedMediaType(ProtectorError):
    code = 415
    title = "Unsupported Media Type"
    remedy = "Send Content-Type: application/json."


# -- 409


class Conflict(ProtectorError):
    code = 409
    title = "Conflict"
    remedy = "Wait for the state that the message names and try again."


class NameTaken(Conflict):
    remedy = "Choose another name."


class GroupNotEmpty(Conflict):
    remedy = "Remove the members first."


class InvalidStatus(Conflict):
    pass


class GroupBusy(InvalidStatus):
    """Another operation holds the group's exclusive slot."""

    remedy = "Wait for the running operation, or cancel it."

    @property
    def reason(self) -> str:
        return "InvalidStatus"


class NotPrimarySite(Conflict):
    remedy = "Send the request to the site that the details name."


class MetadataOutOfSync(Conflict):
    remedy = "Run sync-force when the peer site is reachable."


class NoRecoveryPoint(Conflict):
    remedy = "List the recovery points of the group and choose one."


class ConfirmationRequired(Conflict):
    """What is to be given up looks healthy, or is newer."""

    remedy = (
        "Use a planned move; or, if the site is lost, ask again with "
        "confirm=true (--confirm)."
    )


class TenantNotMapped(Conflict):
    remedy = "Ask an administrator for a tenant mapping to the peer site."


class VolumeInAnotherGroup(Conflict):
    remedy = "Remove the volume from the other group first."


class Split(Conflict):
    remedy = "Compare both histories and run resolve-split."


class StaleDocument(Conflict):
    """A pushed document is not newer than what the receiver holds."""


class LockLost(Conflict):
    """The source's lock of a planned move expired or was replaced."""

    remedy = "Retry the operation."


class SiteInUse(Conflict):
    remedy = "Delete the protection groups that use the site first."


# -- 503


class ServiceUnavailable(ProtectorError):
    code = 503
    title = "Service Unavailable"
    remedy = "Try again in a moment."


class PeerUnreachable(ServiceUnavailable):
    remedy = (
        "Check the connection to the peer site and its protector-api, "
        "then try again."
    )


class EngineUnreachable(ServiceUnavailable):
    remedy = "Check that protector-engine and the message bus run."


# -- failures inside operations (never an HTTP answer of their own)


class CloudError(ProtectorError):
    """A cloud service refused or failed; ``details`` name service, code."""

    remedy = "Mend the cause at the named service and retry the operation."


class CloudNotFound(CloudError):
    pass


class CloudConflict(CloudError):
    pass


class CloudForbidden(CloudError):
    remedy = "Give Protector's service user the right that the text names."


class CloudQuota(CloudError):
    remedy = "Raise the quota that the text names and retry the operation."


class CloudUnavailable(CloudError):
    """No answer, an overload or a broken answer: the outcome is unknown."""


class ArrayError(ProtectorError):
    remedy = "Mend the cause at the named array and retry the operation."


class ArrayNotFound(ArrayError):
    pass


class ArrayDenied(ArrayError):
    """The token of the array is not valid, or has too few rights."""


class ArrayUnavailable(ArrayError):
    """No answer from the array: the outcome is unknown."""


class PodNotOnline(ArrayError):
    """A stretched pod cannot be used on an array, and is not forced."""

    remedy = "Look at the pod on the array."


class PodShared(ArrayError):
    """The Cinder backends of both sites use one pod."""

    remedy = (
        "Give each backend a pod of its own: pure_replication_pod_name in its "
        "part of cinder.conf."
    )


class PodRefuses(ArrayError):
    """An array takes no overwrite into a pod while its other array is
    away."""

    remedy = "Retry when the pod is online on both arrays."


class VolumesApart(ArrayError):
    """Volumes that replicate synchronously lie in several pods, or in
    none."""

    remedy = (
        "Use volumes of a volume type with synchronous replication, of one "
        "backend."
    )


class ReplicationNotConfigured(ArrayError):
    """The array side of a direction is not made."""

    remedy = "Set a replication policy."


class DeadlineExceeded(ProtectorError):
    remedy = "Look at the named object, then retry the operation."


class UnexpectedState(ProtectorError):
    """An object went into a state from which it cannot reach the wanted."""

    remedy = "Mend the named object, then retry the operation."


class PreflightFailed(ProtectorError):
    remedy = "Mend each finding and retry the operation."


class LeaseLost(ProtectorError):
    """This engine no longer owns the operation; it must stop at once."""


class Superseded(ProtectorError):
    remedy = "Ask again if it is still wanted."
