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


# their volumes are not in the group, or not known to be
MEMBER_UNSETTLED = (MemberStatus.PROTECTING, MemberStatus.ERROR)


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
    SOURCE_CLEANUP = "source_cleanup"
    FAILOVER = "failover"
    FAILBACK = "failback"
    TEST_FAILOVER = "test_failover"
    TEST_CLEANUP = "test_cleanup"
    RESOLVE_SPLIT = "resolve_split"
    REHOME = "rehome"


PLACEMENT_VERBS = frozenset({Verb.FAILOVER, Verb.FAILBACK})
DRILL_VERBS = frozenset({Verb.TEST_FAILOVER, Verb.TEST_CLEANUP})
# beside whatever else happens to the group: they take no slot of its
SLOTLESS = DRILL_VERBS | {Verb.SYNC}


class DrillStatus(enum.StrEnum):
    """What the last drill of a group is."""

    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"


class Verdict(enum.StrEnum):
    PASSED = "passed"
    FAILED = "failed"


class FailoverType(enum.StrEnum):
    PLANNED = "planned"
    UNPLANNED = "unplanned"


# the recovery point of those who want what the target holds already
PARKED_POINT = "parked"


class OperationStatus(enum.StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (OperationStatus.PENDING, OperationStatus.RUNNING)
# keys of an operation's data: what it made, staged, kept and left outside
NOTED_MADE = "made:"
NOTED = frozenset({"residue", "staged", "undo"})
# what a policy may ask for at most
MAX_UNDO_RETENTION_DAYS = 400


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


STEP_LEFT_OUT = (StepStatus.SKIPPED, StepStatus.FAILED_IGNORED)
STEP_AHEAD = (StepStatus.PENDING, StepStatus.RUNNING)
# the step with which a planned move can only go forward
POINT_OF_NO_RETURN = "placement.release"
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
    REPLICATION_ON_TIME = "ReplicationOnTime"
    SOURCE_FENCED = "SourceFenced"
    PARTIAL = "Partial"
    DEGRADED = "Degraded"
    SPLIT = "Split"
    PEER_REGRESSED = "PeerRegressed"
    UNPROTECTED = "Unprotected"
    FAILOVER_READY = "FailoverReady"


# the reason of a condition that nobody should sleep over
CRITICAL_LATE = "ThreeIntervalsLate"
# those that say that something is wrong
ADVERSE = frozenset(
    {
        Condition.PARTIAL,
        Condition.DEGRADED,
        Condition.SPLIT,
        Condition.PEER_REGRESSED,
        Condition.UNPROTECTED,
    }
)


class SiteCheck(enum.StrEnum):
    """What is looked at when a site is validated."""

    KEYSTONE = "keystone"
    RIGHTS = "rights"
    CATALOG = "catalog"
    NOVA = "nova"
    CINDER = "cinder"
    VOLUME_TYPES = "volume_types"
    GROUP_TYPES = "group_types"
    NEUTRON = "neutron"
    PROTECTOR = "protector"
    VERSIONS = "versions"
    CLOCK = "clock"
    ARRAY = "array"
    ARRAY_LINK = "array_link"


class CheckStatus(enum.StrEnum):
    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"


class Severity(enum.StrEnum):
    """What a finding does to the verb it was looked for."""

    ERROR = "error"
    WARNING = "warning"


class Finding(enum.StrEnum):
    """The codes of preflight's findings, each explained in the user guide."""

    # whether it can be looked at all
    PEER_UNREACHABLE = "PeerUnreachable"
    CLOUD_UNREACHABLE = "CloudUnreachable"
    ARRAY_UNREACHABLE = "ArrayUnreachable"
    CHECK_FAILED = "CheckFailed"
    # the sites
    PEER_VERSION_MISMATCH = "PeerVersionMismatch"
    METADATA_OUT_OF_SYNC = "MetadataOutOfSync"
    SPLIT = "Split"
    RIGHT_MISSING = "RightMissing"
    MICROVERSION_TOO_OLD = "MicroversionTooOld"
    # the members at the source
    NO_MEMBERS = "NoMembers"
    MEMBER_NOT_SETTLED = "MemberNotSettled"
    SERVER_MISSING = "ServerMissing"
    SERVER_NOT_MOVABLE = "ServerNotMovable"
    LIVE_SERVER_HELD = "LiveServerHeld"
    VOLUME_NOT_PROTECTED = "VolumeNotProtected"
    VOLUME_NOT_PROTECTABLE = "VolumeNotProtectable"
    VOLUME_DETACHED = "VolumeDetached"
    VOLUME_DELETED = "VolumeDeleted"
    # what stands for them at the target
    PARKED_SERVER_GONE = "ParkedServerGone"
    PARKED_SERVER_RUNS = "ParkedServerRuns"
    PARKED_SERVER_UNUSABLE = "ParkedServerUnusable"
    COPY_GONE = "CopyGone"
    COPY_IN_ERROR = "CopyInError"
    COPY_IN_USE = "CopyInUse"
    COPY_TOO_SMALL = "CopyTooSmall"
    # what a cleanup of the source does with what is parked there
    PARKED_REMOVED = "ParkedRemoved"
    PARKED_KEPT = "ParkedKept"
    UNDO_COPY_LIVES = "UndoCopyLives"
    # what they need there
    FLAVOR_NOT_MAPPED = "FlavorNotMapped"
    NETWORK_NOT_MAPPED = "NetworkNotMapped"
    CLONE_TYPE_MISSING = "CloneTypeMissing"
    AVAILABILITY_ZONE_MISSING = "AvailabilityZoneMissing"
    SECURITY_GROUP_MISSING = "SecurityGroupMissing"
    KEYPAIR_MISSING = "KeypairMissing"
    PROPERTY_LOST = "PropertyLost"
    QUOTA_SHORT = "QuotaShort"
    CAPACITY_SHORT = "CapacityShort"
    CAPACITY_UNKNOWN = "CapacityUnknown"
    MAC_TAKEN = "MacTaken"
    ADDRESS_TAKEN = "AddressTaken"
    ADDRESS_NOT_IN_SUBNET = "AddressNotInSubnet"
    # the arrays
    REPLICATION_NOT_CONFIGURED = "ReplicationNotConfigured"
    ARRAY_GROUP_MISSING = "ArrayGroupMissing"
    SCHEDULE_OFF = "ScheduleOff"
    SCHEDULE_RESTS = "ScheduleRests"
    LINK_DOWN = "LinkDown"
    COPIES_CLOSED = "CopiesClosed"
    TRANSFER_NOT_ALLOWED = "TransferNotAllowed"
    ARRAY_SPACE_SHORT = "ArraySpaceShort"
    NO_RECOVERY_POINT = "NoRecoveryPoint"
    RECOVERY_POINT_OLD = "RecoveryPointOld"
    MEMBER_NEWER_THAN_POINT = "MemberNewerThanPoint"
    VOLUME_NOT_IN_POINT = "VolumeNotInPoint"
