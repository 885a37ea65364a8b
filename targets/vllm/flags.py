"""Flags of `vllm serve`, and whether the version that is asked for has them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from llmops.compiler.diagnostics.suggest import best, did_you_mean, listed
from llmops.compiler.facts import EngineFacts, EngineOption, Facts
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced, plain

ENGINE = "vllm"


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag by its name without dashes, its value (a tree), and the place in the config that asks for it.

    `written` is how the config spells it, for flags that the user wrote; `at` is None for the target's own.
    """

    name: str
    value: Any
    at: KeyPath | None = None
    written: str | None = None

    @property
    def option(self) -> str:
        """The option's name: `compilation-config.level` sets a part of `compilation-config`."""
        return self.name.split(".", 1)[0]


def entry(flag: Flag, reason: Sourced[Any] | None = None) -> tuple[str, Any]:
    """The line of the config file; `reason` is a reference that brought it here.

    A false one is written as `no-…: true`: up to 0.26 the file's reader drops false without a word. A map is written as
    JSON text, which is what the option takes: the reader of 0.11 would write it as Python does.
    """
    value = as_json(flag.value) if isinstance(flag.value, dict) else flag.value
    if isinstance(value, Sourced):
        value = value.because(reason)
        if value.value is False:
            return f"no-{flag.name}", Sourced(True, value.sources, raw=True)
    return flag.name, value


def idle(engine: EngineFacts | None, flag: Flag) -> bool:
    """Whether it switches off what has no way to be switched off, being off unless it is given."""
    option = engine.option(flag.option) if engine is not None else None
    return plain(flag.value) is False and option is not None and f"--no-{option.name}" not in option.flags


def as_json(tree: Any) -> Sourced[str]:
    """A tree as JSON text on one line, with the origins of all of it. It starts with a brace: never an option."""
    sources = tuple(dict.fromkeys(s for leaf in leaves(tree) for s in leaf.sources))
    return Sourced(json.dumps(plain(tree), ensure_ascii=False), sources, raw=True)


def leaves(tree: Any) -> Iterator[Sourced[Any]]:
    if isinstance(tree, Sourced):
        yield tree
        yield from leaves(tree.value)
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from leaves(item)
    elif isinstance(tree, list):
        for item in tree:
            yield from leaves(item)


def check(facts: Facts, engine: EngineFacts, flag: Flag) -> Finding | None:
    """What the engine would say of a flag, before it is asked."""
    if flag.at is None:
        return None
    option = engine.option(flag.option)
    if option is None:
        return _unknown(facts, engine, flag)
    return _value(engine, option, flag)


def _unknown(facts: Facts, engine: EngineFacts, flag: Flag) -> Finding:
    written = flag.written or flag.name
    names = [_as_written(name, written) for name in engine.options]
    near = best(written, names)
    elsewhere = [v for v in facts.engine_versions(ENGINE) if _has(facts, v, flag.option)]
    notes = [f"vLLM {' and '.join(elsewhere)} {'has' if len(elsewhere) == 1 else 'have'} it"] if elsewhere else []
    said = did_you_mean(written, names)
    label = f"did you mean `{near}`?" if near else ""
    return Finding(
        f"vLLM {engine.version} has no flag `{_as_written(flag.option, written)}`",
        (Label(flag.at or (), label, primary=True, key_only=flag.written is not None),),
        notes=(*notes, *_read_from(engine)), help=(said,) if said else (),
        severity=_severity(engine), found=written, expected=near,
    )  # fmt: skip


def _value(engine: EngineFacts, option: EngineOption, flag: Flag) -> Finding | None:
    value = plain(flag.value)
    name = flag.written or flag.name
    if option.kind == "flag" and not isinstance(value, bool):
        return _wrong(engine, flag, f"`{name}` takes no value", "true or false", ("write true or false",))
    if option.kind != "flag" and isinstance(value, bool) and "." not in flag.name:
        return _wrong(engine, flag, f"`{name}` needs a value", "this is true or false", ())
    if isinstance(value, list) and not option.many:
        return _wrong(engine, flag, f"`{name}` takes one value", f"this is a list of {len(value)}", ())
    if option.choices is None or isinstance(value, (dict, bool)):
        return None
    bad = [one for one in (value if isinstance(value, list) else [value]) if str(one) not in option.choices]
    if not bad:
        return None
    said = did_you_mean(str(bad[0]), option.choices)
    return _wrong(
        engine, flag, f"vLLM {engine.version} knows no {name} `{bad[0]}`", "", (said,) if said else (),
        (f"it takes {listed(option.choices)}",),
    )  # fmt: skip


def unknown_name(
    engine: EngineFacts, what: str, value: Sourced[str], at: KeyPath, known: Iterable[str] | None
) -> Finding | None:
    """For names that are no choices of an option, since plugins add to them: parsers, formats."""
    names = tuple(known or ())
    if not names or value.value in names:
        return None
    said = did_you_mean(value.value, names)
    return Finding(
        f"vLLM {engine.version} knows no {what} `{value.value}`", (Label(at, "", primary=True),),
        notes=(f"it knows {listed(names, 40)}",), help=(said,) if said else (), severity=_severity(engine),
        found=value.value, expected=best(value.value, names),
    )  # fmt: skip


@cache
def spellings() -> frozenset[str]:
    """Every name of a flag in any version that is known."""
    facts = Facts()
    known = [found for v in facts.engine_versions(ENGINE) if (found := facts.engine(ENGINE, v)) is not None]
    return frozenset(name for engine in known for name in engine.spellings)


def complaints(data: Any) -> Iterator[str]:
    """Of a whole file, which no longer says its version: flags that no version has that is known."""
    for name in data:
        option = str(name).split(".", 1)[0]
        if option not in spellings():
            near = best(option, spellings())
            yield f"vLLM has no flag `{option}`" + (f"; did you mean `{near}`?" if near else "")


def _wrong(
    engine: EngineFacts, flag: Flag, message: str, label: str, help: tuple[str, ...], notes: tuple[str, ...] = ()  # noqa: A002
) -> Finding:
    return Finding(
        message, (Label(flag.at or (), label, primary=True),), notes=(*notes, *_read_from(engine)), help=help,
        severity=_severity(engine),
    )  # fmt: skip


def _severity(engine: EngineFacts) -> Severity:
    """Only the version's own list proves a mistake: a newer engine may know more."""
    return Severity.ERROR if engine.exact else Severity.WARNING


def _read_from(engine: EngineFacts) -> tuple[str, ...]:
    return () if engine.exact else (f"{engine.asked} was asked for, of which no list of flags is known",)


def _has(facts: Facts, version: str, name: str) -> bool:
    found = facts.engine(ENGINE, version)
    return found is not None and found.option(name) is not None


def _as_written(name: str, written: str) -> str:
    return name.replace("-", "_") if "_" in written or "-" not in written else name
