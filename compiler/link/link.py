"""The link pass: from validated resources to a graph of typed references."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.compiler.diagnostics.suggest import nearest
from llmops.compiler.link import codes
from llmops.compiler.link.cycles import cycles
from llmops.compiler.link.texts import MAX_MATCHES, Texts, expand
from llmops.compiler.model.finding import Code, Finding, Label
from llmops.compiler.model.keys import Address, KeyPath
from llmops.compiler.model.kinds import Kind, RefSpec, Shape, walk
from llmops.compiler.model.project import Composed, Edge, Project, Resource, item
from llmops.compiler.model.request import TooLarge

Found = tuple[Code, Finding]
Implied = Callable[[str, str], tuple[Mapping[str, Any], str] | None]
"""`(kind, name) -> (spec, fact)`: a resource that the catalogue brings, if it knows one of that name."""


def article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


@dataclass(frozen=True, slots=True)
class Linked:
    project: Project
    findings: tuple[Found, ...]


def link(
    name: str,
    composed: Composed,
    kinds: Mapping[str, Kind[Any]],
    resources: Mapping[Address, Resource],
    environment: Resource,
    texts: Texts,
    implied: Implied,
    elsewhere: Mapping[str, Mapping[Address, Resource]],
    environments: tuple[str, ...],
    brought: Callable[[str], tuple[str, ...]] = lambda kind: (),
) -> Linked:
    """Follow every reference and file path of one environment. Broken resources are linked as far as they go.

    `elsewhere` are the resources of the environments of the run: some references mean another one's (`x-env`).
    `environments` are all that the project has, `brought` the names of a kind that the catalogue knows.
    """
    known = dict(resources)
    edges: list[Edge] = []
    found: list[Found] = []
    globs: dict[str, tuple[str, ...]] = {}
    for resource in [*resources.values(), environment]:
        if not resource.kind.shape.has_references:
            continue
        for place in _places(resource, environments):
            far = list(_far(place, elsewhere)) if place.env is not None else []
            if far or (place.env is not None and place.env != composed.env):
                found.extend(far)
            elif place.ref is not None:
                _follow(place, known, edges, found, composed, environment)
            elif "x-brings" in place.shape.schema and isinstance(place.value, str):
                found.extend(_bring(place, known, edges, kinds, implied, brought))
            elif "x-file" in place.shape.schema and isinstance(place.value, str):
                found.extend(_file(place, texts, globs))
            elif "x-environment" in place.shape.schema and place.value not in environments:
                found.append(_unknown_environment(place, environments))
    project = Project(
        name=name, env=composed.env, kinds=kinds, resources=known, edges=tuple(edges), composed=composed,
        environment=environment, texts=texts, globs=globs,
    )
    found.extend(cycles(project))
    return Linked(project, tuple(found))


@dataclass(frozen=True, slots=True)
class _Place:
    """A place of a resource that says something to link: a reference, a file, or something that is brought."""

    resource: Resource
    at: KeyPath
    shape: Shape
    value: Any
    ref: RefSpec | None = None
    key_only: bool = False
    env: str | None = None
    """The environment in which the name is looked up, where the schema lets the config choose one."""
    field: str = ""
    """The absent field for which an entry's key stands."""


def _places(resource: Resource, environments: tuple[str, ...]) -> Iterator[_Place]:
    base = resource.address.path if resource.address.name else (resource.address.kind,)
    chosen: dict[KeyPath, str] = {}
    for path, shape, value in walk(resource.kind.shape, resource.spec):
        at = (*base, *path)
        if "x-env" in shape.schema and isinstance(value, Mapping):
            chosen[at] = _environment(value.get(shape.schema["x-env"]), environments)
        env = next((e for prefix, e in chosen.items() if at[: len(prefix)] == prefix), None) if chosen else None
        if shape.ref is not None and isinstance(value, str):
            yield _Place(resource, at, shape, value, shape.ref, env=None if shape.ref.own else env)
        if not isinstance(value, Mapping):
            if shape.links:
                yield _Place(resource, at, shape, value)
            continue
        if shape.ref_key is not None:
            for key in value:
                yield _Place(resource, (*at, key), shape, key, shape.ref_key, key_only=True)
        for name, below in shape.properties.items():
            if "x-ref-default" in below.schema and below.ref is not None and name not in value and path:
                yield _Place(resource, at, below, path[-1], below.ref, key_only=True, field=name)


def _environment(written: Any, environments: tuple[str, ...]) -> str:
    """The one that is named, else `ci` if there is one, else the first."""
    if isinstance(written, str):
        return written
    return "ci" if "ci" in environments else environments[0]


def _far(place: _Place, elsewhere: Mapping[str, Mapping[Address, Resource]]) -> Iterator[Found]:
    """A reference into an environment that the config chose: checked there, with the same words wherever one looks."""
    known = elsewhere.get(place.env or "")
    if known is None or place.ref is None or any(Address(k, place.value) in known for k in place.ref.kinds):
        return
    kinds = " or ".join(place.ref.kinds)
    close = nearest(place.value, [a.name for a in known if a.kind in place.ref.kinds])
    yield codes.REF001, Finding(
        f"no {kinds} is named `{place.value}` in environment {place.env}",
        (Label(place.at, f"did you mean `{close[0]}`?" if close else "", primary=True),),
        help=("select it there, or name another `environment`",),
        found=place.value, expected=close[0] if close else None,
    )


def _unknown_environment(place: _Place, environments: tuple[str, ...]) -> Found:
    close = nearest(str(place.value), environments)
    return codes.REF008, Finding(
        f"the project has no environment `{place.value}`",
        (Label(place.at, f"did you mean `{close[0]}`?" if close else "", primary=True),),
        notes=(f"environments of llmops.yaml: {', '.join(environments)}",), found=str(place.value),
        help=() if close else (f"name one of those, or add `{place.value}` to `environments` in llmops.yaml",),
        expected=close[0] if close else None,
    )


def _follow(
    place: _Place,
    known: Mapping[Address, Resource],
    edges: list[Edge],
    found: list[Found],
    composed: Composed,
    environment: Resource,
) -> None:
    ref = place.ref
    assert ref is not None
    source = place.resource.address
    weak = bool(place.shape.flag("x-weak"))
    role = str(place.at[-1]) if not isinstance(place.at[-1], int) else str(place.at[-2])
    name, entry = place.value, None
    if ref.own:
        entries = item(place.resource.spec, ref.entry or "") or {}
        if name in entries:
            edges.append(Edge(source, source, place.at, role, name, weak=True))
        elif not place.resource.broken:
            found.append(_unknown_entry(place, name, tuple(entries), str(source), ref.entry))
        return
    if ref.kinds == (environment.address.kind,):  # a thing of the environment itself, such as a pool
        entries = item(environment.spec, ref.entry or "") or {}
        if name not in entries and not environment.broken:
            found.append(_unknown_entry(place, name, tuple(entries), ref.kinds[0], ref.entry))
        return
    if ref.entry is not None:
        name, _, entry = place.value.partition(".")
    for kind in ref.kinds:
        target = Address(kind, name)
        if target not in known:
            continue
        if ref.entry is not None and not known[target].broken:
            entries = item(known[target].spec, ref.entry) or {}
            if entry not in entries:
                found.append(_unknown_entry(place, entry or "", tuple(entries), str(target), ref.entry))
                return
        edges.append(Edge(source, target, place.at, role, entry or None, weak))
        return
    found.append(_unknown(place, name, ref, known, composed))


def _unknown(
    place: _Place, name: str, ref: RefSpec, known: Mapping[Address, Resource], composed: Composed
) -> Found:
    kinds = " or ".join(ref.kinds)
    here = [a.name for a in known if a.kind in ref.kinds]
    close = nearest(name, here)
    notes: list[str] = []
    help_: list[str] = []
    absent = next((Address(k, name) for k in ref.kinds if Address(k, name) in composed.absent), None)
    other = next((a for a in known if a.name == name and a.kind not in ref.kinds), None)
    if absent is not None:
        group, _, option = composed.absent[absent].rpartition("/")
        help_.append(f"select it: add `- {group}: [{option}]` to the defaults list of this environment")
        notes.append(f"`{absent}` has a file, but this environment does not select it")
    elif close:
        help_.append(f"did you mean `{close[0]}`?")
    elif other is not None:
        notes.append(f"`{name}` is {article(other.kind)}; {article(kinds)} is needed here")
    if here and not close and absent is None:
        if place.field:
            help_.append(f"say which {kinds} it is: `{name}: {{{place.field}: {here[0]}}}`")
        else:
            help_.append(f"name one of those, or write conf/{ref.kinds[0]}/{name}.yaml and select it")
    if here:
        notes.append(f"{kinds}s here: {', '.join(sorted(here)[:8])}{', …' if len(here) > 8 else ''}")
    else:
        help_.append(f"write conf/{ref.kinds[0]}/{name}.yaml, or: llmops new {ref.kinds[0]} {name}")
    return codes.REF001, Finding(
        f"no {kinds} is named `{name}`",
        (Label(place.at, f"did you mean `{close[0]}`?" if close else "", primary=True, key_only=place.key_only),),
        notes=tuple(notes), help=tuple(help_), found=name, expected=close[0] if close else None,
    )


def _unknown_entry(place: _Place, name: str, entries: tuple[str, ...], owner: str, named_map: str | None) -> Found:
    close = nearest(name, entries)
    add = f"add `{name}` to `{named_map}` of `{owner}`"
    return codes.REF002, Finding(
        f"`{named_map}` of `{owner}` has no `{name}`",
        (Label(place.at, f"did you mean `{close[0]}`?" if close else "", primary=True, key_only=place.key_only),),
        notes=(f"it has: {', '.join(sorted(entries)[:8]) or 'nothing'}",), found=name,
        help=() if close else (f"name one of those, or {add}" if entries else add,),
        expected=close[0] if close else None,
    )


def _bring(
    place: _Place,
    known: dict[Address, Resource],
    edges: list[Edge],
    kinds: Mapping[str, Kind[Any]],
    implied: Implied,
    brought: Callable[[str], tuple[str, ...]],
) -> Iterator[Found]:
    """A name that brings a resource along (a provider brings its secret), unless a file of that name replaces it."""
    kind = str(place.shape.flag("x-brings"))
    address = Address(kind, place.value)
    if address not in known and kind in kinds:
        made = implied(kind, place.value)
        if made is None:
            names = brought(kind)
            close = () if place.value in names else nearest(place.value, names)
            if close and len(place.value) > 3:
                yield codes.REF010, Finding(
                    f"`{place.value}` is nearly `{close[0]}`, and not known itself",
                    (Label(place.at, f"did you mean `{close[0]}`?", primary=True),),
                    help=(f"if it is another one, write conf/{kind}/{place.value}.yaml for its {kind}",),
                    found=place.value, expected=close[0],
                )
            return
        known[address] = Resource(address, kinds[kind], made[0], implied=made[1])
    if address in known:
        edges.append(Edge(place.resource.address, address, place.at, kind))


def _file(place: _Place, texts: Texts, globs: dict[str, tuple[str, ...]]) -> Iterator[Found]:
    path = place.value
    if path.startswith(("/", "..")) or "\\" in path or posixpath.normpath(path) != path:
        yield codes.REF006, Finding(
            f"`{path}` is not a normal path inside the project", (Label(place.at, "", primary=True),),
            help=("write it relative to the folder of llmops.yaml, without `..`",),
        )
        return
    if place.shape.flag("x-file") == "glob" and any(c in path for c in "*?["):
        matches = globs[path] = tuple(expand(texts, path))
        if len(matches) > MAX_MATCHES:
            globs[path] = ()
            yield codes.REF009, Finding(
                f"`{path}` matches more than {MAX_MATCHES:,} files", (Label(place.at, "", primary=True),),
                help=("name a folder, or join the files into fewer",),
            )
        elif not matches:
            yield codes.REF005, Finding(
                f"no file matches `{path}`", (Label(place.at, "", primary=True),),
                help=("the pattern starts at the folder of llmops.yaml",),
            )
        return
    try:
        missing = texts.load(path) is None
    except TooLarge as error:
        yield codes.REF005, Finding(
            f"`{path}` is too large to be read", (Label(place.at, f"{error.size} bytes", primary=True),),
            notes=(f"the limit is {error.limit} bytes",),
        )
        return
    if missing:
        folder = posixpath.dirname(path)
        here = [posixpath.join(folder, n) for n in texts.names(folder or ".") if not n.endswith("/")]
        close = nearest(path, here)
        yield codes.REF005, Finding(
            f"there is no file `{path}`",
            (Label(place.at, f"did you mean `{close[0]}`?" if close else "", primary=True),),
            help=("the path starts at the folder of llmops.yaml",),
        )
