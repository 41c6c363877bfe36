# SPDX-License-Identifier: Apache-2.0
"""The words of the product: every enumerated value that is stored or shown.

Holds names only; what may follow what is in ``states``.
"""

import enum


class ReplicationType(enum.StrEnum):
    ASYNC = "async"
    SYNC = "sync"


class SiteStatus(enum.StrEnum):
    ACTIVE = "active"
    UNREACHABLE = "unreachable"
    ERROR = "error"


class GroupStatus(enum.StrEnum):
    CREATING = "creating"
    ACTIVE = "active"
    FAILING_OVER = "failing_over"
    FAILED_OVER = "failed_over"
    FAILING_BACK = "failing_back"
    ERROR = "error"
    DELETING = "deleting"


class MemberStatus(enum.StrEnum):
    PROTECTING = "protecting"
    PROTECTED = "protected"
    REMOVING = "removing"
    MISSING = "missing"
    ERROR = "error"


class CopyRole(enum.StrEnum):
    """What a member's server is at one site."""

    LIVE = "live"
    PARKED = "parked"
    GONE = "gone"


class Verb(enum.StrEnum):
    """The kinds of operation."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    MEMBER_ADD = "member_add"
    MEMBER_REMOVE = "member_remove"
    POLICY_SET = "policy_set"
    POLICY_DELETE = "policy_delete"
    MAPPINGS_SET = "mappings_set"
    SYNC = "sync"
    REPLICATE = "replicate"
    REPROTECT = "reprotect"
    FAILOVER = "failover"
    FAILBACK = "failback"


PLACEMENT_VERBS = frozenset({Verb.FAILOVER, Verb.FAILBACK})


class FailoverType(enum.StrEnum):
    PLANNED = "planned"
    UNPLANNED = "unplanned"


class OperationStatus(enum.StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (OperationStatus.PENDING, OperationStatus.RUNNING)


class Outcome(enum.StrEnum):
    SUCCESS = "success"
    WARNINGS = "warnings"


class StepStatus(enum.StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    FAILED_IGNORED = "failed_ignored"
    TIMED_OUT = "timed_out"


STEP_SETTLED = (
    StepStatus.DONE,
    StepStatus.SKIPPED,
    StepStatus.FAILED_IGNORED,
)


class SyncStatus(enum.StrEnum):
    SYNCED = "synced"
    PENDING = "pending"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


class Condition(enum.StrEnum):
    PEER_REACHABLE = "PeerReachable"
    METADATA_IN_SYNC = "MetadataInSync"
    REPLICATION_CONFIGURED = "ReplicationConfigured"
    REPLICATION_HEALTHY = "ReplicationHealthy"
    WITHIN_RPO = "WithinRPO"
    SOURCE_FENCED = "SourceFenced"
    PARTIAL = "Partial"
    DEGRADED = "Degraded"
    SPLIT = "Split"
    FAILOVER_READY = "FailoverReady"
