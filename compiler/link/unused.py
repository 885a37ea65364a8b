"""Resources that nothing refers to, and of which nothing is made."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from llmops.compiler.link import codes
from llmops.compiler.model.finding import Code, Finding, Label
from llmops.compiler.model.keys import Address
from llmops.compiler.model.project import Project


def unused(project: Project, compiled: Collection[Address]) -> Iterator[tuple[Code, Finding]]:
    """A hint for each resource that no reference reaches, that is no end in itself, and that is not in `compiled`.

    `compiled` are those that a file of this environment was made from: a server offers tools that no agent here names,
    a card describes a dataset that nothing here reads.
    """
    for address, resource in project.resources.items():
        kind = resource.kind
        stands_alone = kind.project_scope or kind.shape.flag("x-root") or kind.holds_options
        if stands_alone or resource.implied or address in compiled or project.edges_to(address):
            continue
        yield codes.REF004, Finding(
            f"nothing refers to `{address}`", (Label(address.path, "", primary=True, key_only=True),),
            help=("remove it from the defaults list, or name it where it is meant to be used",),
        )
