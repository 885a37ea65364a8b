"""Prompts as files of chat messages, which promptfoo renders with the variables of a row."""

from __future__ import annotations

import base64
import posixpath
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.prompt import Part, parts
from llmops.compiler.derive.shots import conversation, sources_of, syntax_of
from llmops.compiler.derive.texts import content
from llmops.compiler.emit.escapes import nunjucks
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, literal, merge
from llmops.compiler.model.sources import Content, Source
from llmops.compiler.model.target import Refusal
from llmops.compiler.model.view import View
from llmops.targets.promptfoo.escapes import unrendered
from llmops.targets.promptfoo.providers import full_path
from llmops.targets.promptfoo.subjects import Subject
from llmops.targets.promptfoo.work import Work

PLAIN = '[{"role": "user", "content": "{{ prompt }}"}]'
"""What a model without a prompt is sent: the row's own `prompt`, put in without being rendered."""
REQUEST = '"request"'
"""An app makes its own prompt; text that is JSON and no map keeps promptfoo from rendering, or replacing, anything."""
_TAG = re.compile(r"\{\{-?\s*(\w+)\s*-?\}\}")
IMAGES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp"}
AUDIO = {".wav": "audio/wav", ".mp3": "audio/mpeg"}
"""Files that a message can carry, and what they are called in an address."""


@dataclass(frozen=True, slots=True)
class Use:
    """A prompt as one subject is given it. `file` is the name of its file, None for words of the target's own."""

    label: Sourced[str]
    raw: str | None = None
    file: str | None = None
    prompt: View[Any] | None = None
    model: str | None = None
    why: tuple[Source, ...] = ()

    def entry(self) -> dict[str, Any]:
        """Its line in `prompts`."""
        if self.file is None:
            return {"raw": self.raw, "label": self.label}
        return {"id": Sourced(f"file://prompts/{self.file}.json", self.why, raw=True), "label": self.label}


def use(work: Work, subject: Subject) -> Use:
    if subject.call is None:
        return Use(literal("request"), raw=REQUEST)
    if subject.prompt is None or subject.model is None:
        return Use(literal("prompt"), raw=PLAIN)
    named = subject.prompted
    assert named is not None
    name, why, model = subject.prompt.address.name, named.sources, None
    if subject.variant is not None:
        model = subject.model.address.name
        asked = subject.named
        name = f"{name}.{model}"
        why = merge(why, asked.sources if asked else ())
    written = subject.prompt.maybe_text("label")
    label = Sourced(name, why, raw=True)
    if written is not None:
        text = work.text(written)
        label = text.because(named) if model is None else text.map(lambda t: f"{t} ({model})").because(named)
    return Use(label, file=name, prompt=subject.prompt, model=model, why=why)


def messages(work: Work, used: Use) -> Sourced[list[dict[str, Any]]]:
    """The chat messages, as templates: promptfoo renders each text once with the row's variables."""
    prompt = used.prompt
    assert prompt is not None
    found, problems = conversation(work.lowering, prompt, used.model)
    work.told(problems)
    told = [{"role": role, "content": _content(work, prompt, said)} for role, said in _grouped(found)]
    if prompt.maybe_flag("cache") is not None and prompt.flag("cache").value:
        work.unsupported(prompt.at("cache"), "it asks no provider to keep a part of a prompt")
    return Sourced(told, used.why, raw=True)


def _grouped(found: list[Part]) -> Iterator[tuple[str, list[Part]]]:
    """Parts by message: those of one list of parts stand below one place."""
    group: list[Part] = []
    for part in found:
        same = bool(group) and part.listed and part.message == group[-1].message
        if group and not same:
            yield group[0].role, group
            group = []
        group.append(part)
    if group:
        yield group[0].role, group


def _content(work: Work, prompt: View[Any], said: list[Part]) -> Any:
    if not said[0].listed:
        return _text(work, prompt, said[0])
    return [_part(work, prompt, part) for part in said]


def _part(work: Work, prompt: View[Any], part: Part) -> dict[str, Any]:
    if part.medium == "text":
        return {"type": "text", "text": _text(work, prompt, part)}
    inlined = _inlined(work, prompt, part)
    said = _text(work, prompt, part) if inlined is None else inlined
    if part.medium == "image":
        if inlined is None and not re.match(r"\s*(\{\{|https?://|data:)", part.text):
            work.error(part.at, "there is no such image", "an address, a file of the project, or a variable",
                       f"a file ends in {', '.join(IMAGES)}")
        return {"type": "image_url", "image_url": {"url": said}}
    variable = _TAG.fullmatch(part.text.strip())
    if variable is not None:
        name = variable[1]
        data, kind = f"{{{{ {name}.split(',').pop() }}}}", f"{{{{ 'wav' if 'wav' in {name}.slice(0, 24) else 'mp3' }}}}"
    elif (found := re.fullmatch(r"data:audio/(?:x-)?(\w+);base64,(.+)", said.value, re.DOTALL)) is not None:
        data, kind = found[2], {"mpeg": "mp3"}.get(found[1], found[1])
    else:
        work.error(part.at, "there is no such recording", "a file of the project, a `data:` address, or a variable",
                   f"a file ends in {', '.join(AUDIO)}")
        data, kind = "", ""
    return {"type": "input_audio", "input_audio": {
        "data": Sourced(data, said.sources, raw=True), "format": Sourced(kind, said.sources, raw=True),
    }}


def _inlined(work: Work, prompt: View[Any], part: Part) -> Sourced[str] | None:
    """A file of the project as a `data:` address; the file counts as one that the text was read from."""
    ending = re.search(r"\.\w+\Z", part.text)
    kinds = IMAGES if part.medium == "image" else AUDIO
    if ending is None or ending[0].lower() not in kinds or re.match(r"\s*(\{\{|\w+:)", part.text):
        return None
    outside = part.text.startswith(("/", "..")) or posixpath.normpath(part.text) != part.text
    data = None if outside else content(prompt.project, part.text)
    if data is None:
        return None
    address = f"data:{kinds[ending[0].lower()]};base64,{base64.b64encode(data).decode()}"
    origins = (prompt.origin(part.at), Content(full_path(work, part.text)))
    return Sourced(address, origins, raw=True)


def media(work: Work, used: Use) -> Iterator[str]:
    """The files of the project that its messages carry in them."""
    if used.prompt is not None:
        for part in parts(used.prompt, used.model):
            if part.medium != "text" and _inlined(work, used.prompt, part) is not None:
                yield full_path(work, part.text)


def _text(work: Work, prompt: View[Any], part: Part) -> Sourced[str]:
    """A template on purpose: its braces are not escaped, except where its own syntax means something else."""
    syntax = syntax_of(prompt, part)
    text = part.words
    sources = sources_of(work.lowering, prompt, part)
    if syntax == "f-string":
        return work.text(Sourced(text, sources), _f_string)
    if syntax == "none":
        return work.text(Sourced(text, sources), nunjucks)
    return work.text(Sourced(text, sources), template)


def template(text: str) -> str:
    """nunjucks and Jinja alike, but that no variable of the environment may be read. A message is nothing to load."""
    unrendered(f"-{text}")
    return text


def _f_string(text: str) -> str:
    """Python's braces as nunjucks'."""
    out = ""
    for before, name, spec, conversion in string.Formatter().parse(text):
        written = nunjucks(before)
        out += f"{written[:-1]}{{{{ '{{' }}}}" if written.endswith("{") else written
        if name is not None:
            if spec or conversion or not name.isidentifier():
                raise Refusal(f"`{{{name}}}` is more than a name")
            out += f"{{{{ {name} }}}}"
    return out


def addresses(used: list[Use]) -> dict[Address, tuple[Source, ...]]:
    """The prompts, with the references that named them."""
    found: dict[Address, tuple[Source, ...]] = {}
    for one in used:
        if one.prompt is not None:
            found[one.prompt.address] = merge(found.get(one.prompt.address, ()), one.why)
    return found
