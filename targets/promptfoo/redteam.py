"""Red teaming: attacks that promptfoo makes itself, put to the subjects like rows.

promptfoo can have attacks made and graded by a service of its own, which is then sent the app's purpose and answers.
Nothing is sent there unless the target's option `remote` allows it: the eval's judge makes and grades the attacks, and
what only the service can make is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.prompt import variables
from llmops.compiler.diagnostics.suggest import best
from llmops.compiler.model.sourced import Sourced, literal, merge
from llmops.compiler.model.view import Node, View
from llmops.targets.promptfoo.known import known
from llmops.targets.promptfoo.providers import called
from llmops.targets.promptfoo.subjects import Subject, judge
from llmops.targets.promptfoo.work import Work

_NAMES = re.compile(r"\{\{\s*(\w+)\s*\}\}").findall
NEED_MORE = {
    "plugins": ("intent", "policy", "indirect-prompt-injection", "rag-poisoning"),
    "strategies": ("custom", "layer", "retry", "image", "video"),
}
"""What works only with a config of its own, or a library that the lock file leaves out."""


def attacks(eval_: View[Any]) -> bool:
    """Whether promptfoo is to make the attacks."""
    kind = eval_.maybe_text("type")
    return (kind is not None and kind.value == "redteam") or eval_.has("redteam")


def remote(options: Node | None) -> bool:
    """Whether its own service may take part."""
    flag = options.maybe_flag("remote") if options is not None else None
    return flag is not None and flag.value


def section(work: Work, eval_: View[Any], tried: list[Subject]) -> dict[str, Any]:
    """What stands below `redteam`."""
    out: dict[str, Any] = {}
    variable = _variable(work, eval_, tried)
    if variable is not None:
        out["injectVar"] = variable
    asked = eval_.node("redteam")
    purpose = asked.maybe_text("purpose") if asked is not None else None
    if purpose is None:
        work.error(eval_.at("runner"), "a red team must know what the app is for",
                   "attacks are made to fit, and answers judged by it", "say it in `redteam: {purpose: …}`")
        return out
    assert asked is not None
    out["purpose"] = work.text(purpose)
    for ours, theirs in (("count", "numTests"), ("language", "language")):
        value = asked.maybe_integer(ours) if ours == "count" else asked.maybe_text(ours)
        if value is not None:
            out[theirs] = work.tree(value)
    grader = judge(work, eval_)
    if grader is not None:
        out["provider"] = called(work, grader[1], grader[0], named=eval_.ref_name("judge"))
    elif not remote(work.lowering.options):
        work.error(eval_.at("runner"), "a red team without promptfoo's service needs a `judge`",
                   "it makes the attacks, and says whether one came through", "name a capable model as `judge`")
    out["plugins"] = list(_chosen(work, asked, "plugins", known("remote_plugins")))
    out["strategies"] = list(_chosen(work, asked, "strategies", known("strategies") - known("local_strategies")))
    if not asked.has("plugins"):
        if not remote(work.lowering.options):
            work.error(asked.at(), "promptfoo's own choice of attacks needs its service", "no `plugins` are named",
                       "name some, such as `plugins: [pii, prompt-extraction]`")
        out["plugins"] = [literal("default")]
    if not asked.has("strategies"):
        out["strategies"] = [literal("default" if remote(work.lowering.options) else "basic")]
    return out


def _chosen(work: Work, asked: Node, field: str, far: frozenset[str]) -> Iterator[Sourced[str]]:
    """Plugins or strategies by their names in promptfoo's list."""
    kind = field.removesuffix("s").replace("strategie", "strategy")
    for node in asked.entries(field):
        name = node.text()
        if name.value not in known(field):
            close = best(name.value, known(field))
            work.error(node.at(), f"promptfoo has no {kind} `{name.value}`",
                       f"did you mean `{close}`?" if close else "it takes those of its own list")
        elif name.value in NEED_MORE[field]:
            work.error(node.at(), f"the {kind} `{name.value}` needs a config of its own", "a name alone is not enough",
                       "write the attacks as `rows`, or give the whole section by `overrides`")
        elif name.value in far and not remote(work.lowering.options):
            close = _near(field, name.value, far)
            work.error(node.at(), f"only promptfoo's service can make `{name.value}`",
                       "it would be sent what the app is for, and its answers",
                       f"{close}or allow it: `remote: true` in conf/target/promptfoo.yaml")
        else:
            yield name.express(str)


def _near(field: str, name: str, far: frozenset[str]) -> str:
    """The members of a collection that can be made without the service."""
    near = sorted(one for one in known(field) - far if one.startswith(f"{name}:"))
    return f"take {', '.join(f'`{one}`' for one in near)}, " if near else ""


def _variable(work: Work, eval_: View[Any], tried: list[Subject]) -> Sourced[str] | None:
    """The variable that the attacks are put in: the prompt's only one, or the one that comes from users."""
    prompts = {subject.prompt.address: subject.prompt for subject in tried if subject.prompt is not None}
    if not prompts:
        if any(subject.call is not None for subject in tried):
            return literal("prompt")
        return _of_app(work, eval_, tried)
    found: dict[str, tuple[Any, ...]] = {}
    for prompt in prompts.values():
        names = list(variables(prompt))
        users = [name for name in names if prompt.maybe_text("variables", name, "trust") is not None
                 and prompt.text("variables", name, "trust").value != "trusted"] if len(names) > 1 else []
        chosen = names if len(names) == 1 else users
        if len(chosen) != 1:
            work.error(eval_.at("redteam") if eval_.has("redteam") else eval_.at("runner"),
                       f"it is not clear which variable of {prompt.address} attacks go into",
                       f"{', '.join(names) or 'it has none'}", "say `trust: user` of the one that users write")
            return None
        found[chosen[0]] = merge(found.get(chosen[0], ()), (prompt.source("variables", chosen[0]),))
    if len(found) > 1:
        work.error(eval_.at("redteam") if eval_.has("redteam") else eval_.at("runner"),
                   "the prompts take what users write in different variables", ", ".join(found),
                   "give each prompt an eval of its own")
    name, sources = next(iter(found.items()))
    return Sourced(name, sources, raw=True)


def _of_app(work: Work, eval_: View[Any], tried: list[Subject]) -> Sourced[str] | None:
    """The variable in braces of the app's request, where there is one; else as promptfoo finds it."""
    names: list[str] = []
    for subject in tried:
        body = subject.app.body if subject.app is not None else None
        if subject.http is not None:
            body = subject.http.value.get("body")
            subject.http.has("body")
        names += _braces(body)
    once = list(dict.fromkeys(names))
    if len(once) == 1:
        return Sourced(once[0], tried[0].named.sources if tried[0].named is not None else (), raw=True)
    if len(once) > 1:
        work.error(eval_.at("redteam") if eval_.has("redteam") else eval_.at("runner"),
                   "it is not clear which variable of the request attacks go into", ", ".join(once),
                   "test it by an `http` subject with one variable, and the others as plain text")
        return None
    return literal("prompt")


def _braces(body: Any) -> list[str]:
    if isinstance(body, Sourced):
        return _braces(body.value)
    if isinstance(body, dict):
        return [name for item in body.values() for name in _braces(item)]
    if isinstance(body, (list, tuple)):
        return [name for item in body for name in _braces(item)]
    return _NAMES(body) if isinstance(body, str) else []
