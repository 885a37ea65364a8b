"""Fields that exist once for the whole project: the same in all environments that select them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmops.compiler.model.finding import Code, Finding, Label
from llmops.compiler.model.keys import Address, KeyPath
from llmops.compiler.model.kinds import Shape
from llmops.compiler.model.project import Resource
from llmops.compiler.validate import codes
from llmops.compiler.validate.explain import same
from llmops.compiler.validate.words import article


def same_everywhere(environments: Mapping[str, Mapping[Address, Resource]]) -> Iterator[tuple[str, Code, Finding]]:
    """Each difference, with the environment in which it is shown: the first that is unlike the first of all."""
    seen: dict[Address, tuple[str, Resource]] = {}
    told: set[KeyPath] = set()
    for env, resources in environments.items():
        for address, resource in resources.items():
            if resource.broken or not _fixed(resource.kind.shape):
                continue
            first_env, first = seen.setdefault(address, (env, resource))
            if first is resource:
                continue
            for key in _fixed(resource.kind.shape):
                path = (*address.path, key)
                if path not in told and not same(first.spec.get(key), resource.spec.get(key)):
                    told.add(path)
                    yield env, codes.DIFFERS, _finding(path, first_env, first, env, resource)


def _fixed(shape: Shape) -> tuple[str, ...]:
    """The fields that may not vary: marked so, or of a kind of the project and not marked otherwise."""
    whole = shape.flag("x-scope") == "project"
    return tuple(
        key for key, below in shape.properties.items()
        if below.flag("x-same") is True or (whole and below.flag("x-same") is None)
    )


def _finding(path: KeyPath, first_env: str, first: Resource, env: str, resource: Resource) -> Finding:
    key = str(path[-1])
    at = path
    a, b = first.spec.get(key), resource.spec.get(key)
    while isinstance(a, Mapping) and isinstance(b, Mapping):
        differing = [k for k in dict.fromkeys((*a, *b)) if not same(a.get(k), b.get(k))]
        if len(differing) != 1 or differing[0] not in b:
            break
        at, a, b = (*at, differing[0]), a.get(differing[0]), b.get(differing[0])
    if resource.kind.project_scope:
        why = f"{article(resource.kind.title.lower())} belongs to the project"
    else:
        why = f"`{key}` is part of the contract"
    return Finding(
        f"`{key}` of `{resource.address}` differs between environments",
        (Label(at, f"here it is unlike in `{first_env}`", primary=True),),
        notes=(f"{why}: it is the same in all environments that select it",),
        help=(
            f"write it once, in conf/{resource.address.kind}/{resource.address.name}.yaml, "
            f"or make another resource for `{env}`",
        ),
    )
