"""One environment: what it selects, in which order it is merged, and what the language refuses of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmops.compiler.load import codes, gate
from llmops.compiler.load.conf import CONFIG, ENV, Conf
from llmops.compiler.load.layers import Layers
from llmops.compiler.load.merge import Composition
from llmops.compiler.load.overrides import Read
from llmops.compiler.load.selection import Walk
from llmops.compiler.load.trace import Override, Step, Trace
from llmops.compiler.load.values import Finish
from llmops.compiler.model.finding import Code, Diagnostic, Outcome, Place, diagnose
from llmops.compiler.model.keys import Address, KeyPath
from llmops.compiler.model.kinds import Kind
from llmops.compiler.model.project import Composed, Settings
from llmops.compiler.model.sources import FromFile, FromOverride, Span

if TYPE_CHECKING:
    from llmops.compiler.load import hydra

_HELP: dict[str, tuple[str, ...]] = {
    codes.CLASH.code: ("write the same shape in both",),
    codes.ONTO_INTERPOLATION.code: ("write the values out, here or there",),
}


class _Tree:
    """The conf tree as Hydra's algorithm sees it: every file has a package, what is missing is empty."""

    def __init__(self, conf: Conf) -> None:
        self._conf = conf

    def config(self, path: str) -> hydra.Config | None:
        from llmops.compiler.load import hydra

        file = self._conf.file(path)
        if file is None:
            return hydra.Config("_global_", ())
        package = ".".join(str(key) for key in file.package) or "_global_"
        return hydra.Config(package, tuple(item.entry() for item in file.items))

    def is_group(self, path: str) -> bool:
        return self._conf.is_group(path)

    def options(self, group: str) -> list[str]:
        return self._conf.options(group)


def compose_environment(
    conf: Conf, env: str, settings: Settings, overrides: Sequence[Read], kinds: Mapping[str, Kind[Any]]
) -> Outcome[Composed | None]:
    """Compose one environment; None where what it selects is not known in whole."""
    from llmops.compiler.load import hydra  # a tenth of a second, which `--help` and `explain CODE` must not pay

    walk = Walk(conf, env, settings.environments, overrides)
    selection = walk.run()
    problems: list[Diagnostic] = list(walk.problems)
    for name in selection.by:
        file = conf.file(name)
        if file is not None:
            problems.extend(replace(one, environments=(env,)) for one in conf.by_file.get(file.path, ()))
    if selection.broken_off:
        return Outcome(None, tuple(problems))
    try:
        order, _ = hydra.select(_Tree(conf), CONFIG, [read.change for read in selection.choices])
    except hydra.RefusedError as refused:
        problems.append(
            diagnose(
                codes.REFUSED,
                "Hydra refuses this selection",
                None,
                environments=[env],
                notes=[gate.cut(refused.message, 200)],
            )
        )
        return Outcome(None, tuple(problems))
    layers = Layers(conf, env, walk, order, selection.changes)
    layers.check()
    problems.extend(layers.problems)
    root, trace = _merge(conf, env, layers.steps, problems)
    _finish(env, root, layers, trace, kinds, problems)
    selected = {Address(*name) for name in layers.resources}
    absent = {address: names[0] for address, names in conf.addresses().items() if address not in selected}
    return Outcome(Composed(env, root, trace, frozenset(layers.broken), absent, layers.files), tuple(problems))


def _merge(conf: Conf, env: str, steps: Sequence[Step], problems: list[Diagnostic]) -> tuple[dict[str, Any], Trace]:
    """Merge the steps; the history is of those that were not refused."""
    applied: list[Step] = []
    current: Step

    def clash(code: Code, path: KeyPath, message: str) -> None:
        span = (
            current.span if isinstance(current, Override) else conf.spot(current.path)(path[len(current.at) :], False)
        )
        before = _span(Trace(applied, conf.sources, conf.places), path)
        more = [Place(before, "first here")] if before and before != span else []
        problems.append(diagnose(code, message, span, more=more, environments=[env], help=_HELP.get(code.code, ())))

    composition = Composition(clash)
    for current in steps:
        if isinstance(current, Override):
            keys = tuple(str(key) for key in current.at)
            at = composition.change(current.op, keys, current.body, current.has_value)
            if at is not None:
                applied.append(replace(current, at=at))
        else:
            composition.add(current.body, current.at)
            applied.append(current)
    return composition.root, Trace(applied, conf.sources, conf.places)


def _finish(
    env: str,
    root: dict[str, Any],
    layers: Layers,
    trace: Trace,
    kinds: Mapping[str, Kind[Any]],
    problems: list[Diagnostic],
) -> None:
    """Make the values final of what holds a null, a `???` or an interpolation."""

    def report(code: Code, path: KeyPath, message: str, cure: str) -> None:
        problems.append(diagnose(code, message, _span(trace, path), environments=[env], help=[cure] if cure else ()))

    finish = Finish(root, kinds, trace, layers.broken, report)
    done: dict[str, dict[str, Any]] = {}
    for kind, name in layers.resources:
        if (kind, name) in layers.special and name in root.get(kind, {}):
            done.setdefault(kind, {})[name] = finish.resource(kind, name)
    environment = finish.environment() if layers.special_env and ENV in root else None
    # interpolations read what was merged, so nothing is replaced before all are resolved
    for kind, values in done.items():
        root[kind] = {**root[kind], **values}
    if environment is not None:
        root[ENV] = environment


def _span(trace: Trace, path: KeyPath) -> Span | None:
    """Where the value at a path was written, or what holds it."""
    while path:
        writes = trace.writes(path)
        if writes:
            origin = writes[-1].origin
            return origin.span if isinstance(origin, FromFile | FromOverride) else None
        path = path[:-1]
    return None
