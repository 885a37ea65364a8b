"""Plan and apply: what a compile changes on disk, and the only code that changes it."""

from __future__ import annotations

from .apply import Report, apply, read_lock, recover
from .plan import Item, Plan, Reason, plan
from .refusals import Drift, check, drift, refusals, sources
from .run import prepare, write_elsewhere
from .tree import Disk, Tree

__all__ = [
    "Disk",
    "Drift",
    "Item",
    "Plan",
    "Reason",
    "Report",
    "Tree",
    "apply",
    "check",
    "drift",
    "plan",
    "prepare",
    "read_lock",
    "recover",
    "refusals",
    "sources",
    "write_elsewhere",
]
