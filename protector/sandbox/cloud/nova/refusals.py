# SPDX-License-Identifier: Apache-2.0
"""Nova's refusals, word for word.

Source: nova/exception.py and nova/api/openstack/common.py 34.0.0.
"""

from protector.sandbox.cloud import errors, store


def wrong_state(
    action: str, row: store.Document, attribute: str = "vm_state"
) -> errors.ApiError:
    """409: ``Cannot 'stop' instance <id> while it is in vm_state ...``."""
    state = row.get(attribute)
    if state is None:
        return errors.Conflict(
            f"Instance {row['id']} is in an invalid state for '{action}'"
        )
    return errors.Conflict(
        f"Cannot '{action}' instance {row['id']} while it is in "
        f"{attribute} {state}"
    )


def locked(row: store.Document) -> errors.ApiError:
    """409."""
    return errors.Conflict(f"Instance {row['id']} is locked")


def no_instance(key: str) -> errors.ApiError:
    """404."""
    return errors.NotFound(f"Instance {key} could not be found.")


def forbidden(action: str) -> errors.ApiError:
    """403."""
    return errors.Forbidden(
        f"Policy doesn't allow os_compute_api:{action} to be performed."
    )


def invalid_volume(reason: str) -> errors.ApiError:
    """400."""
    return errors.BadRequest(f"Invalid volume: {reason}")


def from_cinder(error: errors.ApiError, request_id: str) -> str:
    """Return how Nova quotes a refusal of Cinder."""
    return (
        f"Invalid input received: {error.message} (HTTP {error.status}) "
        f"(Request-ID: {request_id})"
    )


def no_mapping(volume_id: str) -> errors.ApiError:
    """404."""
    return errors.NotFound(
        f"No volume Block Device Mapping with id {volume_id}."
    )


def not_attached(server_id: str, volume_id: str) -> errors.ApiError:
    """404."""
    return errors.NotFound(
        f"Instance {server_id} is not attached to volume {volume_id}"
    )


def invalid_field(name: str, value: object, reason: str) -> errors.ApiError:
    """400, as the body's schema refuses it."""
    return errors.BadRequest(
        f"Invalid input for field/attribute {name}. Value: {value}. {reason}"
    )
