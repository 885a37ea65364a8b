"""Small, full and read-only disks, which need no rights: a child process gets mounts that it alone sees."""

from __future__ import annotations

import ctypes
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_READ_ONLY, _REMOUNT, _RECURSIVE, _PRIVATE = 1, 32, 16384, 1 << 18
_REFUSED = 77
_SYSTEM = ctypes.CDLL(None, use_errno=True)


class RefusedError(Exception):
    """The system lets nobody have mounts of their own."""


def in_child(work: Callable[[], object]) -> None:
    """Run with limits, mounts or a user that the other tests must not have; the child's failure is the test's."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except RefusedError:
            status = _REFUSED
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status == _REFUSED:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "nothing can be mounted here: allow user namespaces, or run as root"
        )
    assert status == 0


def on_disk(folder: Path, options: str, work: Callable[[], object]) -> None:
    """Run `work` in a child for which `folder` is a disk of its own, with a tmpfs's options (`size=512k`)."""

    def inside() -> None:
        _have_mounts()
        _mount("tmpfs", folder, "tmpfs", 0, options)
        work()

    in_child(inside)


def make_read_only(folder: Path) -> None:
    """Inside of `on_disk`: from now on nothing can be written there."""
    _mount("tmpfs", folder, "tmpfs", _REMOUNT | _READ_ONLY, "")


def _have_mounts() -> None:
    """Mounts that end with this process: as root they are there for the asking, else as root of a namespace."""
    if not sys.platform.startswith("linux"):
        raise RefusedError
    user, group = os.geteuid(), os.getegid()
    if _SYSTEM.unshare(_NEW_MOUNTS) != 0:
        if _SYSTEM.unshare(_NEW_USER | _NEW_MOUNTS) != 0:
            raise RefusedError
        for name, line in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            Path(f"/proc/self/{name}").write_text(line, encoding="ascii")
    _mount("none", Path("/"), "", _RECURSIVE | _PRIVATE, "")


def _mount(source: str, folder: Path, kind: str, flags: int, options: str) -> None:
    done = _SYSTEM.mount(source.encode(), os.fsencode(folder), kind.encode(), flags, options.encode())
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(folder))
