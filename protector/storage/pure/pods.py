# SPDX-License-Identifier: Apache-2.0
"""Pods, as an array tells of them: what may be done in one, and why not.

A pod is its operator's and its Cinder backend's: it is looked at, never
made, stretched, moved or promoted.
"""

import collections
from collections.abc import Iterable
import re
from typing import Any

from protector import exception
from protector.storage.pure import adapter, names

ONLINE = "online"
ABSENT = "not there"

_REMEDIES = {
    "resyncing": "Wait until the array has synchronised it.",
    "offline": "The other array has the pod. Mend the connection of the "
    "arrays; only their operator may decide to use this side.",
    "suspended": "Mend the connection of the arrays.",
    ABSENT: "Stretch the pod to this array; the replication_device of type "
    "sync of the Cinder backend does it.",
}
# it speaks REST 2.4; older ones refuse such an overwrite
_SINCE = (6, 1)
_ANY = "Look at the pod on the array."


def too_old(array: adapter.Identity) -> str | None:
    """Why an array can hold no volumes of ours in stretched pods; None if it
    can."""
    known = tuple(int(n) for n in re.findall(r"\d+", array.version)[:2])
    if known >= _SINCE:
        return None
    return (
        f"Array {array.name} runs Purity {array.version}, which overwrites no "
        "volume in a stretched pod: it replicates asynchronously only."
    )


def any_over(array: Any, names: set[str]) -> bool:
    """Whether an array knows of a pod that is stretched over these."""
    return any(
        not pod.destroyed and names <= set(pod.arrays)
        for pod in array.pods().values()
    )


def find(array: Any, pod: str) -> adapter.Pod | None:
    """The pod, if the array has it and it is not destroyed."""
    found: adapter.Pod | None = array.pods().get(pod)
    return None if found is None or found.destroyed else found


def common(volumes: Iterable[str]) -> str:
    """The one pod that all of the volumes lie in.

    :raises VolumesApart: there is no such pod; its ``places`` are the
        volumes by pod, "" for none.
    """
    found = collections.defaultdict(list)
    for volume in sorted(volumes):
        found[names.pod_of(volume) or ""].append(volume)
    if len(found) == 1 and "" not in found:
        return next(iter(found))
    raise exception.VolumesApart(
        "Volumes that replicate synchronously lie in one pod; these in "
        f"{', '.join(sorted(pod or 'none' for pod in found))}: "
        f"{', '.join(sorted(volumes))}.",
        places=dict(found),
    )


def state(pod: adapter.Pod | None, array_name: str) -> str:
    """How the pod is on an array, ``ABSENT`` included."""
    return pod.arrays.get(array_name, ABSENT) if pod else ABSENT


def obstacle(array: Any, array_name: str, name: str) -> str | None:
    """Why an array cannot use what is called ``name`` now; None if it can,
    or if it lies in no pod."""
    pod = names.pod_of(name)
    if pod is None:
        return None
    found = state(find(array, pod), array_name)
    return None if found == ONLINE else says(pod, found, array_name)


def says(pod: str, found: str, array_name: str) -> str:
    return f"Pod {pod} is {found} on array {array_name}."


def require_online(array: Any, array_name: str, name: str) -> None:
    """A pod that is not online is never forced.

    :raises PodNotOnline: what is called ``name`` lies in one.
    """
    pod = names.pod_of(name)
    if pod is None:
        return
    found = state(find(array, pod), array_name)
    if found != ONLINE:
        raise exception.PodNotOnline(
            says(pod, found, array_name),
            remedy=_REMEDIES.get(found, _ANY),
            pod=pod,
            array=array_name,
            status=found,
        )


def require_writable(array: Any, array_name: str, name: str) -> None:
    """:raises PodRefuses: ``name`` lies in a pod that is not online here:
    nothing can be put into it."""
    why = obstacle(array, array_name, name)
    if why is not None:
        raise exception.PodRefuses(why, pod=names.pod_of(name))


def refusal(
    array: Any, name: str, error: exception.ArrayError
) -> exception.ArrayError:
    """What the refusal of an overwrite of ``name`` means: no array has been
    measured, so that its text is not relied on, but the state of the pod."""
    pod = names.pod_of(name)
    if pod is None or type(error) is not exception.ArrayError:
        return error
    found = find(array, pod)
    away = {a for a, s in found.arrays.items() if s != ONLINE} if found else ()
    if not away:
        return error
    return exception.PodRefuses(
        f"Pod {pod} is not online on array {', '.join(sorted(away))}. "
        f"{error.message}",
        pod=pod,
    )


def degraded(pod: adapter.Pod, arrays: tuple[str, ...]) -> str | None:
    """What is not as it should be for no write to be lost with one of the
    arrays; None when all is well."""
    for array in arrays:
        found = state(pod, array)
        if found != ONLINE:
            return says(pod.name, found, array)
    for array in arrays:
        mediator = pod.mediators.get(array, "unknown")
        if mediator != ONLINE:
            return (
                f"The mediator of pod {pod.name} is {mediator} for array "
                f"{array}: it cannot take over alone."
            )
    return None
