"""Did you mean: names that are near to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable

MOST = 4


def distance(a: str, b: str, limit: int) -> int:
    """The number of single edits (insert, delete, replace, swap of neighbours) from a to b; above `limit`, limit+1."""
    if abs(len(a) - len(b)) > limit:
        return limit + 1
    before: list[int] = []
    above = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
        before, above = above, row
    return min(above[-1], limit + 1)


def nearest(name: str, candidates: Iterable[str]) -> tuple[str, ...]:
    """The candidates that `name` is likely a misspelling of, nearest first, at most four.

    Near means one edit in a short name, and one in three letters of a longer one; a beginning of four letters is near
    too, of either. Case, and `-` for `_`, do not count.
    """
    limit = max(1, min(len(name) // 3, 4))
    plain = _plain(name)
    scored = []
    for candidate in sorted(set(candidates)):
        edits = distance(plain, _plain(candidate), limit)
        if edits <= limit:
            scored.append((edits, candidate))
        elif len(name) > 3 and _plain(candidate).startswith(plain):
            scored.append((limit + 1, candidate))
        elif len(candidate) > 3 and plain.startswith(_plain(candidate)):
            scored.append((limit + 2, candidate))
    return tuple(candidate for _, candidate in sorted(scored)[:MOST])


def best(name: str, candidates: Iterable[str]) -> str | None:
    """The nearest candidate, if there is one."""
    return next(iter(nearest(name, candidates)), None)


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """As a line of help: "did you mean `answerer` or `answers`?"; None where nothing is near."""
    near = nearest(name, candidates)
    if not near:
        return None
    quoted = [f"`{candidate}`" for candidate in near]
    last = quoted.pop()
    return f"did you mean {', '.join(quoted)} or {last}?" if quoted else f"did you mean {last}?"


def listed(names: Iterable[str], most: int = 12) -> str:
    """Names for a message, sorted: "`a`, `b`, `c` and 9 more"."""
    quoted = [f"`{name}`" for name in sorted(set(names))]
    if len(quoted) <= most:
        return ", ".join(quoted)
    return f"{', '.join(quoted[:most])} and {len(quoted) - most} more"


def _plain(name: str) -> str:
    return name.casefold().replace("-", "_")
