"""How many tokens a text, a prompt, a tool or a step has.

Where a model names its tokenizer's file, texts are counted (`compiler/derive/counting.py`): one that is sent as it
stands exactly, one of a template from below. Elsewhere there are bounds that hold without counting.

From below: the letters and digits of a text stand in words, no token of the vocabulary has letters of two words, and
none has more bytes of letters than `Tokenizer.letters`. From above: a vocabulary that has every byte makes at most as
many tokens as the text has bytes. What a template puts in for a variable is nothing from below, and unbounded from
above: an upper bound is that of what the config says itself. Text that a template repeats for each passage counts once
there, being small beside the passages.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from llmops.compiler.derive.counting import Counter, counting, misfit, said
from llmops.compiler.derive.model import hosted, repo
from llmops.compiler.derive.prompt import Part, parts, variables
from llmops.compiler.derive.rows import dataset_rows, inline, meanings
from llmops.compiler.derive.shots import BEFORE, filled
from llmops.compiler.derive.splits import part
from llmops.compiler.derive.tools import functions
from llmops.compiler.facts import Facts, Family, Tokenizer
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import plain
from llmops.compiler.model.view import View

_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
_TAG = re.compile(r"\{%[-+]?\s*(\w+).*?[-+]?%\}", re.DOTALL)
_TRIMMED = re.compile(r"\s*(\{[{#%]-)|(-[}#%]\})\s*", re.DOTALL)
_FIELD = re.compile(r"\{\{|\}\}|\{[^{}]*\}")
_SIGN = re.compile(r"\{[{%#]")
_PLAIN = re.compile(r"[^\"\\'<>&\x00-\x1f\x7f-\U0010ffff]+")
"""Stretches that stand in JSON as they are, however its writer escapes."""
_CUT = "\x00"
"""Between the pieces of a template; in no config."""
_ANSWER = "(answer)"
"""No variable's name."""
MAX_SHOWN = 1 << 20
"""Characters of all worked examples of a prompt that are counted."""
_SINGLE = frozenset(("set", "include", "import", "from", "extends", "do", "break", "continue", "else", "elif"))
"""Tags of a template that nothing has to end."""


@dataclass(frozen=True, slots=True)
class Addend:
    """Something that takes room in a request: `least` tokens surely, `most` at most (None: nothing bounds it).

    `words` name it, `at` is where a config says it, `how` is the arithmetic behind it. `unknown` says which fact was
    missing; `least` then counts it as nothing. `loose` says what is not known where only `most` bounds it, so far that
    it decides nothing unless it fits. `counted`: it is a text whose tokens were counted.
    """

    words: str
    least: int
    most: int | None
    at: KeyPath
    how: str = ""
    unknown: str | None = None
    loose: str | None = None
    counted: bool = False

    @property
    def exact(self) -> bool:
        """Whether it takes neither less nor more."""
        return self.most == self.least and self.unknown is None


@dataclass(frozen=True, slots=True)
class Speech:
    """What is known of how a model counts and is spoken to; each may be unknown.

    `tokenizer` bounds the tokens of a text, `counter` counts them with the file that the model names.
    """

    tokenizer: Tokenizer | None
    family: Family | None
    counter: Counter | None = None


def speech(facts: Facts, model: View[Any]) -> Speech:
    """The tokenizer and the family of a model."""
    known = catalogued(facts, model)
    found = counting(facts, model, vocabulary(facts, model))
    if not isinstance(found, Counter) or misfit(facts, model, found, vocabulary(facts, model)) is not None:
        return known
    return Speech(known.tokenizer if known.tokenizer is not None else found.bounds, known.family, found)


def vocabulary(facts: Facts, model: View[Any]) -> str | None:
    """The catalogue's name of a model's vocabulary: by the catalogue, else as the config says it."""
    row = catalogued(facts, model).tokenizer
    written = said(model, "vocabulary")
    return row.name if row is not None else written.value if written is not None else None


def catalogued(facts: Facts, model: View[Any]) -> Speech:
    """What the catalogue knows of how a model counts and is spoken to."""
    row = hosted(facts, model)
    if row is not None:
        return Speech(facts.tokenizer_of(row.provider, row.id), None)
    name = repo(model)
    family = facts.family(name.value) if name is not None else None
    named = family.tokenizer if family is not None else None
    return Speech(facts.tokenizer(named) if named is not None else None, family)


def fewest(tokenizer: Tokenizer, text: str) -> int:
    """The fewest tokens that a text can have."""
    words = _normal(tokenizer, text).split()
    letters = [sum(len(c.encode("utf-8", "replace")) for c in word if c.isalnum()) for word in words]
    return sum(-(-count // tokenizer.letters) for count in (letters if tokenizer.words else [sum(letters)]))


def most(tokenizer: Tokenizer, text: str) -> int | None:
    """The most tokens that a text can have; None where nothing bounds them."""
    if not tokenizer.bytes:
        return None
    return len(_normal(tokenizer, text).encode("utf-8", "replace")) + tokenizer.extra


def _normal(tokenizer: Tokenizer, text: str) -> str:
    form: Literal["NFC", "NFD", "NFKC", "NFKD"]
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        if tokenizer.normal == form:
            return unicodedata.normalize(form, text)
    return text


def sent(text: str, syntax: str) -> str | None:
    """A template's text as every filling shows it; None where that depends on values."""
    if syntax == "none":
        return text
    if syntax == "f-string":
        return "".join(fixed(text, syntax)) if all(one in ("{{", "}}") for one in _FIELD.findall(text)) else None
    return None if _SIGN.search(text) else text


def fixed(text: str, syntax: str) -> list[str]:
    """The pieces of a template's text that every filling shows, in their order: without tags, and without what stands
    between tags. Anything may stand between two of them.
    """
    if syntax == "none":
        return [text]
    if syntax == "f-string":
        return _FIELD.sub(lambda found: found[0][0] if found[0] in ("{{", "}}") else _CUT, text).split(_CUT)
    text = _TRIMMED.sub(lambda found: found[1] or found[2], text)
    shown: list[str] = []
    depth = start = 0
    for tag in _TAG.finditer(text):
        if depth == 0:
            found = text[start : tag.start()].rstrip()  # a tag may take the space around it along
            shown.append(found.lstrip() if shown else found)
        start = tag.end()
        if tag[1].startswith("end"):
            depth -= 1
        elif tag[1] not in _SINGLE:
            depth += 1
    if depth != 0:
        return []
    shown.append(text[start:].lstrip() if shown else text)
    return _EXPRESSION.sub(_CUT, _CUT.join(shown)).split(_CUT)


def prompt_tokens(facts: Facts, prompt: View[Any], model: View[Any]) -> Iterator[Addend]:
    """What a prompt takes for a model: its messages, what the chat template puts around, its worked examples."""
    known = speech(facts, model)
    messages = list(parts(prompt, model.address.name))
    syntax = prompt.maybe_text("syntax")
    language = syntax.value if syntax is not None else "jinja2"
    for message in messages:
        yield _message(known, prompt, message, language)
    shown = list(_examples(prompt, messages, language))
    if shown:
        yield _shown(known, prompt, shown)
    yield _around(known, model, prompt.at(), len(messages) + 2 * len(shown))


def _message(known: Speech, prompt: View[Any], message: Part, syntax: str) -> Addend:
    where = message.file if message.file is not None else f"{prompt.address}"
    words = f"{message.role} message of {where}"
    if message.medium != "text":
        return Addend(words, 0, None, message.at, unknown=f"how many tokens an {message.medium} takes")
    text = message.words
    return text_tokens(known, fixed(text, syntax), words, message.at, whole=sent(text, syntax), highest=message.text)


def text_tokens(
    known: Speech, pieces: Iterable[str], words: str, at: KeyPath, *, whole: str | None = None,
    lowest: str | None = None, highest: str | None = None,
) -> Addend:
    """A text as an addend, of which these pieces stand in a request, in their order.

    `whole` is the text as it is sent, where that is known: then it is counted. `lowest` is what is measured from below
    by its words, `highest` what is measured from above, where they are others.
    """
    if known.tokenizer is None:
        return Addend(words, 0, None, at, unknown="the model's tokenizer")
    several = list(pieces)
    joined = "".join(several)
    least, largest = fewest(known.tokenizer, lowest or joined), most(known.tokenizer, highest or whole or joined)
    bounded = Addend(words, least, largest, at)
    if known.counter is None:
        return bounded
    found = known.counter.whole(whole) if whole is not None else None
    if found is not None:
        return replace(bounded, least=found[0], most=found[1], counted=True)
    counted = known.counter.fewest(several)
    return bounded if counted is None else replace(bounded, least=max(counted, least), counted=True)


def _around(known: Speech, model: View[Any], at: KeyPath, messages: int) -> Addend:
    """The chat template, which a model may replace by one of its own."""
    words = "chat template"
    own = model.has("chat_template")
    family = known.family
    if own or family is None or family.message_bytes is None or family.prompt_bytes is None:
        return Addend(words, 0, None, at)
    return Addend(words, 0, family.prompt_bytes + messages * family.message_bytes, at)


def _shown(known: Speech, prompt: View[Any], shown: list[list[Shown]]) -> Addend:
    at = prompt.at("examples")
    if sum(len(one.text) for texts in shown for one in texts) > MAX_SHOWN:
        known = replace(known, counter=None)
    found = [
        text_tokens(known, [one.text], "", at, whole=one.text if one.whole else None)
        for texts in shown for one in texts
    ]
    words = f"{len(shown)} worked example{'s' if len(shown) > 1 else ''}"
    return combined(words, at, found)


def combined(words: str, at: KeyPath, found: Iterable[Addend], how: str = "") -> Addend:
    """Several addends as one."""
    several = list(found)
    highest = [one.most for one in several]
    known = [number for number in highest if number is not None]
    total = sum(known) if len(known) == len(highest) else None
    unknown = next((one.unknown for one in several if one.unknown is not None), None)
    counted = any(one.counted for one in several)
    return Addend(words, sum(one.least for one in several), total, at, how, unknown, counted=counted)


@dataclass(frozen=True, slots=True)
class Shown:
    """A text of a worked example: as it is sent (`whole`), or a value that a message shows somewhere."""

    text: str
    whole: bool


def _examples(prompt: View[Any], messages: list[Part], syntax: str) -> Iterator[list[Shown]]:
    """The texts of each worked example: the messages that ask it, filled with its values, and the answer."""
    asked = [message for message in messages if message.role not in BEFORE]
    plain_texts = all(message.role == "user" and message.medium == "text" for message in asked)
    for row in _rows(prompt):
        answer = [Shown(_told(row[_ANSWER]), True)] if row.get(_ANSWER) is not None else []
        values = {name: _told(row[name]) for name in variables(prompt) if row.get(name) is not None}
        made = [filled(message.words, syntax, partial(_value, values)) for message in asked] if plain_texts else [None]
        questions = [Shown(text, True) for text in made if text is not None]
        if len(questions) < len(made):
            questions = [Shown(value, False) for value in values.values()]
        yield [*questions, *answer]


def _value(values: Mapping[str, str], name: str) -> str:
    return values.get(name, "")


def _told(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _rows(prompt: View[Any]) -> list[dict[str, Any]]:
    """The columns of each worked example, with its answer."""
    written = prompt.value.get("examples")
    if isinstance(written, list):
        return [{**node.value["vars"], _ANSWER: node.value["answer"]} for node in prompt.entries("examples")]
    dataset = prompt.ref("examples", "dataset") if written else None
    if dataset is None:
        return []
    found = [*inline(dataset)] or list(dataset_rows(dataset))
    split, count = prompt.maybe_text("examples", "split"), prompt.maybe_integer("examples", "count")
    if split is not None:
        found = part(dataset, found, split.value) or []
    answer = prompt.text("examples", "answer").value
    named = [meanings(dataset, row.vars) for row in (found if count is None else found[: count.value])]
    return [{**row, _ANSWER: row.get(answer)} for row in named]


def tool_tokens(facts: Facts, tool: View[Any], model: View[Any], at: KeyPath) -> Addend:
    """What the schema of a tool takes: at least its names and descriptions; a server's own is not known here."""
    known = speech(facts, model)
    found = []
    for function in functions(tool):
        if function.schema is None:
            return Addend(f"schema of {tool.address}", 0, None, at, unknown=f"the schemas of {tool.address}")
        description = function.description.value if function.description is not None else ""
        schema = plain(function.schema)
        texts = [function.name.value, description, *_descriptions(schema)]
        pieces = [piece for text in texts for piece in (*_PLAIN.findall(text), " ")]
        whole = json.dumps({"type": "function", "function": {
            "name": function.name.value, "description": description, "parameters": schema,
        }}, ensure_ascii=True, indent=4)
        found.append(text_tokens(known, pieces, "", at, lowest=" ".join(texts), highest=whole))
    return combined(f"schema of {tool.address}", at, found)


def _descriptions(schema: Any) -> Iterator[str]:
    """The names of properties and the descriptions in a schema: no template leaves them out."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        said = schema.get("description")
        if isinstance(said, str):
            yield said
        for value in schema.values():
            yield from _descriptions(value)
