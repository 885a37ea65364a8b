"""One environment's tree as resources: names, kinds, and each spec against its schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from llmops.compiler.diagnostics.suggest import did_you_mean, listed
from llmops.compiler.model.finding import Finding, Label
from llmops.compiler.model.keys import Address, KeyPath
from llmops.compiler.model.kinds import Kind, Shape
from llmops.compiler.model.project import Composed, Resource
from llmops.compiler.validate import codes
from llmops.compiler.validate.explain import Problem, explain
from llmops.compiler.validate.fill import Filled, fill
from llmops.compiler.validate.found import Found, Whole
from llmops.compiler.validate.keys import bad_name
from llmops.compiler.validate.messages import finding, unexplained
from llmops.compiler.validate.validator import Validator, compiled
from llmops.compiler.validate.words import this_is
from llmops.schemas import ENVIRONMENT, bundled, lookup, lookup_in

Options = Callable[[str], Mapping[str, Any] | None]
MOST_PROBLEMS = 50
"""Of one resource: a file that is something else altogether is not worth a message a line."""

__all__ = ["ENVIRONMENT", "Options", "check_environment", "check_tree"]


def check_tree(
    composed: Composed, kinds: Mapping[str, Kind[Any]], options: Options, findings: list[Found],
    targets: tuple[str, ...] = (),
) -> Iterator[Resource]:
    names = Shape(lookup("common.json#/$defs/name"), "", lookup)
    for root, group in composed.tree.items():
        if root == ENVIRONMENT:
            continue
        kind = kinds.get(root)
        if kind is None:
            findings.append(_unknown_kind(root, kinds))
            continue
        if not isinstance(group, Mapping):
            findings.append(_no_map((root,), group))
            continue
        named = outside_names() if kind.holds_options else names
        for name, spec in group.items():
            address = Address(root, name)
            if next(explain(named, name, (), ()), None) is not None:
                findings.append(bad_name(name, address.path, named, resource=True))
            elif address in composed.broken:
                yield Resource(address, kind, spec if isinstance(spec, Mapping) else {}, broken=True)
            elif kind.holds_options:
                own = _target_kind(kind, name, options)
                if own is None:
                    findings.append(_unknown_target(address, targets))
                yield check(Resource(address, own or kind, spec), findings, tree=composed.tree)
            else:
                yield check(Resource(address, kind, spec), findings, tree=composed.tree)


@cache
def outside_names() -> Shape:
    """Targets are called as their tools are: `github-actions`."""
    return Shape(lookup("common.json#/$defs/outside_name"), "", lookup)


def check_environment(composed: Composed, kind: Kind[Any], findings: list[Found]) -> Resource:
    spec = composed.tree.get(ENVIRONMENT)
    resource = Resource(Address(ENVIRONMENT, ""), kind, {} if spec is None else spec)
    return check(resource, findings, (ENVIRONMENT,), (ENVIRONMENT,))


def check(
    resource: Resource, findings: list[Found], path: KeyPath | None = None, called: KeyPath | None = None,
    tree: Mapping[str, Any] | None = None,
) -> Resource:
    """The resource with its defaults; or, with what is well-typed of it, broken."""
    path = resource.address.path if path is None else path
    called = path if called is None else called
    kind = resource.kind
    spec: Any = {} if resource.spec is None else resource.spec  # a file that says nothing
    validator = _validator(kind)
    if validator.accepts(spec):
        out = Filled()
        spec = fill(kind.shape, spec, path, (), out)
        findings.extend(out.findings)
        return Resource(resource.address, kind, spec, defaults=out.defaults)
    problems: list[Problem] = []
    for problem in explain(kind.shape, spec, path, called):
        problems.append(problem)
        if len(problems) == MOST_PROBLEMS:
            break
    whole = Whole(path, kind.shape, tree or {})
    findings.extend(finding(problem, whole) for problem in problems)
    if not problems:
        findings.extend(unexplained((*path, *at), words) for at, words in validator.complaints(spec))
    sound = _sound(spec, problems, len(path))
    out = Filled(whole=False)
    fill(kind.shape, sound, path, (), out)
    findings.extend(out.findings)
    return Resource(resource.address, kind, sound, broken=True)


_VALIDATORS: dict[Kind[Any], Validator] = {}
"""By kind: a kind is one object as long as the process lives."""


def _validator(kind: Kind[Any]) -> Validator:
    made = _VALIDATORS.get(kind)
    if made is None:
        made = _VALIDATORS[kind] = compiled(bundled(kind.shape.schema))
    return made


_TARGETS: dict[str, tuple[Mapping[str, Any], Kind[Any]]] = {}


def _target_kind(kind: Kind[Any], name: str, options: Options) -> Kind[Any] | None:
    """The kind of one target's options: the target's own fields beside those that all kinds have."""
    own = options(name)
    if own is None:
        return None
    known = _TARGETS.get(name)
    if known is None or known[0] != own:
        base = kind.shape.schema
        whole = {
            **base, "additionalProperties": False, **own,
            "properties": {**base["properties"], **own.get("properties", {})},
        }
        known = _TARGETS[name] = (own, Kind(kind.name, Shape(whole, "", lookup_in(whole))))
    return known[1]


def _sound(spec: Any, problems: Iterable[Problem], start: int) -> Mapping[str, Any]:
    """What of a broken spec can be trusted: without the values and keys that are wrong."""
    if not isinstance(spec, Mapping):
        return {}
    wrong = [problem.path[start:] for problem in problems if problem.keyword not in _ABOUT_THE_WHOLE]
    return dict(_without(spec, wrong))


_ABOUT_THE_WHOLE = ("required", "dependentRequired", "choose", "few", "many")


def _without(value: Any, wrong: list[KeyPath]) -> Any:
    """A copy without the places `wrong`. A list keeps its length, so that the other items keep their places."""
    if not wrong:
        return value
    gone = {path[0] for path in wrong if len(path) == 1}
    below: dict[Any, list[KeyPath]] = {}
    for path in wrong:
        if len(path) > 1:
            below.setdefault(path[0], []).append(path[1:])
    if isinstance(value, Mapping):
        return {k: _without(v, below.get(k, [])) for k, v in value.items() if k not in gone}
    if isinstance(value, (list, tuple)):
        return [None if i in gone else _without(v, below.get(i, [])) for i, v in enumerate(value)]
    return value


def _unknown_kind(root: str, kinds: Mapping[str, Kind[Any]]) -> Found:
    meant = did_you_mean(root, kinds)
    return codes.UNKNOWN_KIND, Finding(
        f"there is no kind `{root}`", (Label((root,), meant or "no such kind", primary=True, key_only=True),),
        help=(f"kinds: {listed((name for name in kinds if name != ENVIRONMENT), 30)}",), found=root,
    )


def _unknown_target(address: Address, targets: tuple[str, ...]) -> Found:
    return codes.OPTIONS_WITHOUT_TARGET, Finding(
        f"there is no target `{address.name}`",
        (Label(address.path, did_you_mean(address.name, targets) or "no target reads these options", True, True),),
        help=("`llmops targets` lists them",), found=address.name,
    )


def _no_map(path: KeyPath, value: Any) -> Found:
    return codes.WRONG_TYPE, Finding(
        f"`{path[-1]}` must be a map of resources by name", (Label(path, this_is(value), primary=True),),
        help=(f"each of them is a file: conf/{path[-1]}/NAME.yaml",),
    )
