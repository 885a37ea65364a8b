"""From a guardrail to an analyser's config, and to what becomes of what it finds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from llmops.compiler.derive.guard import guarded, rails, screened
from llmops.compiler.derive.literals import patterns
from llmops.compiler.diagnostics.suggest import nearest
from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import Key
from llmops.compiler.model.sourced import Sourced, literal, merge
from llmops.compiler.model.target import Lowering, Unsupported
from llmops.compiler.model.view import View
from llmops.targets.presidio.known import close, data, entities, recognizers

NAME = "presidio"
DETECTORS = ("pii", "secrets")
ACTIONS = ("block", "redact", "flag")
PARAMS = ("recognizers", "operators", "allow_list", "models")
SECRET = "SECRET"
"""What a key or token is called that the detector `secrets` finds."""
LANGUAGE = "en"
FOREIGN = {
    "model": "it asks no model", "prompt": "it asks no model", "topics": "it knows no topics",
    "streaming": "it reads a whole text",
}


def lower(lowering: Lowering) -> Iterator[Artifact | Unsupported | Finding]:
    made = False
    asked = {guard.rail.address: screened(lowering, guard) for _, guards in guarded(lowering.reader, NAME)
             for guard in guards}
    for rail in rails(lowering.reader, NAME):
        found = list(problems(rail))
        yield from found
        if any(isinstance(problem, Finding) and problem.severity is Severity.ERROR for problem in found):
            continue
        if rail.has("latency") and not asked.get(rail.address):
            yield Unsupported(rail.at("latency"), "it answers when it has read the text")
        made = True
        why = rail.text("engine").sources
        about = (Sourced(rail.address, why, raw=True),)
        yield Artifact(f"{rail.address.name}.analyzer.yaml", Sourced(_analyzer(rail), why, raw=True), about)
        yield Artifact(
            f"{rail.address.name}.json", Sourced(_rail(rail), why, raw=True), about, Format.JSON, comment=None
        )
    for _, guards in guarded(lowering.reader, NAME):
        for guard in guards:
            if not screened(lowering, guard):
                yield Unsupported(
                    guard.named.sources[0].path,  # type: ignore[union-attr]
                    "it is a library without a server: the app itself must call it",
                    "let `langgraph` run it, which does; or call `guard.py` in the app, or let "
                    "`engine: nemo-guardrails` stand before it",
                )
    if made:
        for name, folder in (("requirements.txt", "lock"), ("guard.py", "templates")):
            yield Artifact(
                name, files(__package__).joinpath(folder, name).read_bytes(), format=Format.VERBATIM, shared=True
            )


# --- what is wrong -----------------------------------------------------------------------------------------------


def problems(rail: View[Any]) -> Iterator[Finding | Unsupported]:
    detector, action = rail.text("detector").value, rail.text("action").value
    if detector not in DETECTORS:
        yield _error(rail, ("detector",), f"Presidio has no detector `{detector}`", f"it has: {', '.join(DETECTORS)}")
    if action not in ACTIONS:
        yield _error(rail, ("action",), f"Presidio cannot {action} a text", f"it can {', '.join(ACTIONS)}")
    for name in rail.value.get("params") or {}:
        if name not in PARAMS:
            found = nearest(name, PARAMS)
            label = f"did you mean `{found[0]}`?" if found else "left out"
            yield Finding(f"Presidio has no setting `{name}` of a guardrail",
                          (Label(rail.at("params", name), label, primary=True),), found=name,
                          expected=found[0] if found else None)
    if detector == "pii":
        yield from _entities(rail)
    elif rail.has("entities"):
        yield Unsupported(rail.at("entities"), f"`{detector}` looks for keys and tokens alone", "`detector: pii`")
    for name, why in FOREIGN.items():
        if rail.has(name):
            yield Unsupported(rail.at(name), why)
    if rail.has("message") and action != "block":
        yield Unsupported(rail.at("message"), "nothing is refused, so nobody is told", "`action: block`")
    yield from _custom(rail)
    yield from _operators(rail, action)


def _error(rail: View[Any], keys: tuple[Key, ...], message: str, label: str, **more: Any) -> Finding:
    return Finding(message, (Label(rail.at(*keys), label, primary=True),), severity=Severity.ERROR, **more)


def _entities(rail: View[Any]) -> Iterator[Finding]:
    if not rail.has("entities"):
        yield _error(rail, ("detector",), "no entities are named", "without them it looks for nothing",
                     help=("say `entities`",))
    known = entities() | _own_entities(rail)
    for index, entity in enumerate(rail.value.get("entities") or ()):
        if entity not in known:
            found = nearest(entity, sorted(known))
            yield _error(
                rail, ("entities", index), f"Presidio finds no `{entity}`",
                f"did you mean `{found[0]}`?" if found else "nothing of that name", found=entity,
                expected=found[0] if found else None,
                help=() if found else ("write a recognizer: `params: {recognizers: [...]}`",),
            )
    models = {**data()["spacy"]["models"], **((rail.value.get("params") or {}).get("models") or {})}
    if _named(rail):
        for language in _languages(rail):
            if language.value not in models:
                yield _error(
                    rail, ("languages",) if rail.has("languages") else ("entities",),
                    f"no model is known that finds names in `{language.value}`",
                    f"known are: {', '.join(sorted(models))}",
                    help=(f"name spaCy's: `params: {{models: {{{language.value}: …}}}}`",),
                )


def _custom(rail: View[Any]) -> Iterator[Finding]:
    for index, own in enumerate((rail.value.get("params") or {}).get("recognizers") or ()):
        at: tuple[Key, ...] = ("params", "recognizers", index)
        if not isinstance(own, dict):
            yield _error(rail, at, "a recognizer is a map", "with `name`, `supported_entity` and `patterns`")
            continue
        for key in own:
            if key not in data()["recognizer_keys"]:
                yield _error(rail, (*at, key), f"a recognizer has no key `{key}`",
                             close(key, data()["recognizer_keys"]).removeprefix("; ") or "unknown")
        for number, pattern in enumerate(own.get("patterns") or ()):
            try:
                re.compile(str(pattern.get("regex", "")) if isinstance(pattern, dict) else "(")
            except re.error as error:
                yield _error(rail, (*at, "patterns", number), f"the pattern is none: {error.msg}", "")


def _operators(rail: View[Any], action: str) -> Iterator[Finding | Unsupported]:
    operators = (rail.value.get("params") or {}).get("operators") or {}
    if operators and action != "redact":
        yield Unsupported(rail.at("params", "operators"), "nothing is replaced", "`action: redact`")
    for entity, operator in operators.items():
        name = operator.get("type") if isinstance(operator, dict) else operator
        if name == "encrypt":
            yield _error(rail, ("params", "operators", entity), "its key would stand in the file", "not written",
                         help=("`hash`, or `mask`",))
        elif name not in data()["operators"] or name == "custom":
            yield _error(rail, ("params", "operators", entity), f"Presidio has no operator `{name}`",
                         close(str(name), data()["operators"]).removeprefix("; ") or "unknown")


# --- what is written ---------------------------------------------------------------------------------------------


def _languages(rail: View[Any]) -> list[Sourced[str]]:
    return [tag.map(lambda text: text.partition("-")[0].lower()) for tag in rail.tree("languages") or ()] or [
        literal(LANGUAGE)
    ]


def _named(rail: View[Any]) -> list[Sourced[str]]:
    """The entities that only a model of names finds."""
    return [entity for entity in rail.tree("entities") or () if entity.value in data()["named_entities"]]


def _own_entities(rail: View[Any]) -> frozenset[str]:
    own = (rail.value.get("params") or {}).get("recognizers") or ()
    return frozenset(str(one["supported_entity"]) for one in own if isinstance(one, dict) and "supported_entity" in one)


def _analyzer(rail: View[Any]) -> dict[str, Any]:
    languages = _languages(rail)
    made: dict[str, Any] = {"supported_languages": languages}
    threshold = rail.maybe_number("threshold")
    if threshold is not None:
        made["default_score_threshold"] = threshold
    nlp, detector = _nlp(rail, languages), rail.text("detector").sources
    made["nlp_configuration"] = Sourced(nlp, detector, raw=True) if _named(rail) else nlp
    made["recognizer_registry"] = {
        "global_regex_flags": data()["regex_flags"],
        "recognizers": Sourced(list(_recognizers(rail, languages)), detector, raw=True),
    }
    return made


def _nlp(rail: View[Any], languages: list[Sourced[str]]) -> dict[str, Any]:
    """A model of names where one is needed; else an engine that does nothing, and needs nothing."""
    named = _named(rail)
    if not named:
        return {
            "nlp_engine_name": "no_op",
            "models": [{"lang_code": language, "model_name": "no_op"} for language in languages],
        }
    spacy, own = data()["spacy"], (rail.tree("params") or {}).get("models") or {}
    wanted = {entity.value for entity in named}
    mapping = spacy["model_to_presidio_entity_mapping"]
    return {
        "nlp_engine_name": literal("spacy").because(*named),
        "models": [
            {"lang_code": language, "model_name": own.get(language.value) or literal(spacy["models"][language.value])}
            for language in languages
        ],
        "ner_model_configuration": {
            "model_to_presidio_entity_mapping": mapping,
            "low_confidence_score_multiplier": spacy["low_confidence_score_multiplier"],
            "low_score_entity_names": [],
            "labels_to_ignore": [
                label for label in spacy["labels_to_ignore"] if mapping.get(label, label) not in wanted
            ],
        },
    }


def _recognizers(rail: View[Any], languages: list[Sourced[str]]) -> Iterator[Any]:
    seen: set[str] = set()
    for entity in rail.tree("entities") or ():
        for row in recognizers().get(entity.value, ()):
            if row["name"] not in seen:
                seen.add(row["name"])
                yield Sourced({
                    "name": literal(str(row["name"])), "type": "predefined",
                    "supported_languages": [_spoken(row, language) for language in languages],
                }, entity.sources, raw=True)
    named = _named(rail)
    if named:
        yield Sourced(
            {"name": "SpacyRecognizer", "type": "predefined", "supported_languages": languages},
            merge(*(entity.sources for entity in named)), raw=True,
        )
    if rail.text("detector").value == "secrets":
        yield Sourced({
            "name": "secrets", "type": "custom", "supported_entity": SECRET, "supported_languages": languages,
            "patterns": [{"name": f"shape_{n}", "regex": regex, "score": 1.0} for n, regex in enumerate(patterns())],
        }, rail.text("detector").sources, raw=True)
    for own in (rail.tree("params") or {}).get("recognizers") or ():
        spoken = {} if {"supported_language", "supported_languages"} & set(own) else {"supported_languages": languages}
        yield {**own, "type": own.get("type", "custom"), **spoken}


def _spoken(row: dict[str, Any] | Any, language: Sourced[str]) -> dict[str, Any]:
    """A language, with the words around a find that make it surer, where the package has some."""
    listed: list[dict[str, Any]] = row["languages"]
    context = next((one["context"] for one in listed if one["language"] == language.value and "context" in one), None)
    return {"language": language, **({"context": context} if context else {})}


def _rail(rail: View[Any]) -> dict[str, Any]:
    """What `guard.py` does with what is found."""
    action = rail.text("action")
    made: dict[str, Any] = {"action": action}
    found = rail.tree("entities") if rail.text("detector").value == "pii" else None
    named = found or [literal(SECRET)]
    made["entities"] = Sourced(named, rail.text("detector").sources, raw=True)
    made["languages"] = _languages(rail)
    for name in ("threshold", "message"):
        value = rail.get(name) if name != "message" or action.value == "block" else None
        if value is not None:
            made[name] = value
    params = rail.tree("params") or {}
    if params.get("allow_list"):
        made["allow_list"] = params["allow_list"]
    if action.value == "redact":
        own = params.get("operators") or {}
        operators = {
            entity.value: own.get(entity.value)
            or Sourced({"type": "replace", "new_value": _placeholder(entity.value)}, entity.sources, raw=True)
            for entity in named
        }
        made["operators"] = Sourced(operators, merge(action.sources, rail.text("detector").sources), raw=True)
    return made


def _placeholder(entity: str) -> str:
    return f"<{entity}>"
