"""Where a value stands in a composed config, and the name of a resource."""

from __future__ import annotations

from dataclasses import dataclass

Key = str | int
KeyPath = tuple[Key, ...]
"""From the root of the composed config: `("model", "answerer", "params", "max_tokens")`; list items by index."""


def dotted(path: KeyPath) -> str:
    """`model.answerer.rows[0].vars`: the spelling that people read and type."""
    out: list[str] = []
    for key in path:
        if isinstance(key, int):
            out.append(f"[{key}]")
        else:
            out.append(f".{key}" if out else key)
    return "".join(out)


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """The one spelling of a resource: `model.answerer` is the file `conf/model/answerer.yaml`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.name}"

    @property
    def path(self) -> KeyPath:
        return (self.kind, self.name)
