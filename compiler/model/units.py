"""The language's units as numbers."""

from __future__ import annotations

_DURATIONS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZES = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def seconds(duration: str) -> float | int:
    """`750ms` is 0.75, `5m` is 300: whole seconds as an integer. The schema has checked the form."""
    for unit in ("ms", "s", "m", "h", "d"):
        if duration.endswith(unit) and duration[: -len(unit)].replace(".", "", 1).isdigit():
            value = float(duration[: -len(unit)]) * _DURATIONS[unit]
            return int(value) if value == int(value) else value
    raise ValueError(f"{duration!r} is no duration")


def size_bytes(size: str) -> int:
    """`512MiB` is 536870912."""
    for unit, factor in _SIZES.items():
        if size.endswith(unit):
            return int(float(size[: -len(unit)]) * factor)
    raise ValueError(f"{size!r} is no size")
