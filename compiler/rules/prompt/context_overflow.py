"""PRM005: a request that is longer than the model, or the way to it, takes."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.check.rule import Rule, Scope
from llmops.compiler.derive.model import called, context_tokens, source_note
from llmops.compiler.derive.places import config_place
from llmops.compiler.derive.requests import Request, requests
from llmops.compiler.derive.tokens import Addend, speech
from llmops.compiler.model.finding import Code, Finding, Label, Severity
from llmops.compiler.model.keys import KeyPath
from llmops.compiler.model.sourced import Sourced

SHOWN = 4
"""The addends that get a label of their own; the note has all."""


def check(scope: Scope) -> Iterator[Finding]:
    seen: set[tuple[str, str]] = set()
    for request in requests(scope.reader, scope.facts):
        found = _judge(scope, request)
        if found is not None:
            key = (found.message.partition(":")[2], str(request.model.address))
            if found.unknown and key in seen:
                continue
            seen.add(key)
            yield found


def _judge(scope: Scope, request: Request) -> Finding | None:
    if request.limit is None:
        at = request.caller.at("model") if "model" in request.caller.value else request.caller.at()
        return Finding(
            f"whether a request of {request.words} fits is unknown: the context of {called(request.model)}",
            (Label(at, primary=True),), help=("say it on the model: `facts: {context: 32768}`",), unknown=True,
        )
    limit = request.limit
    if any(addend.least > limit.value and addend.words.startswith("answer") for addend in request.addends):
        return None  # an answer that is too long by itself is MOD005's
    if request.least > limit.value:
        return _too_long(scope, request, limit)
    highest = sum(addend.least if addend.most is None else addend.most for addend in request.addends)
    undecided = (a for a in request.addends if a.unknown is not None or (a.loose is not None and highest > limit.value))
    missing = next(undecided, None)
    if missing is not None:
        return Finding(
            f"whether a request of {request.words} fits is unknown: {missing.unknown or missing.loose}",
            (Label(missing.at, primary=True),),
            notes=(f"without it, {request.least} of {limit.value} tokens at least",), unknown=True,
        )
    most = sum(_size(addend, limit.value) for addend in request.addends)
    return _too_long(scope, request, limit, most) if most > limit.value else None


def _too_long(scope: Scope, request: Request, limit: Sourced[int], most: int | None = None) -> Finding:
    counted = sorted((a for a in request.addends if _size(a, most)), key=lambda a: -_size(a, most))
    largest, *others = counted
    total = request.least if most is None else most
    exact = all(addend.exact for addend in counted)
    bound = "at most " if most is not None else "" if exact else "at least "
    labels = [Label(largest.at, _label(largest, most), primary=True)]
    seen: set[KeyPath] = {largest.at}
    roots = {addend.at for addend in others if len(addend.at) == 2}  # all of a resource: too much to point at
    for addend in others[: SHOWN - 1]:
        if addend.at not in seen and addend.at not in roots:
            seen.add(addend.at)
            labels.append(Label(addend.at, _label(addend, most)))
    place = config_place(limit.sources)
    if place is not None and place not in seen:
        labels.append(Label(place, f"{limit.value} tokens for request and answer"))
    parts = " + ".join(f"{_size(addend, most)} {addend.words}" for addend in counted)
    known = speech(scope.facts, request.model)
    notes = [
        f"{bound}{parts} = {total} tokens, and what {_beside(exact and most is None)}",
        f"{called(request.model)}: {limit.value} tokens {source_note(limit)}",
    ]
    if known.counter is not None:
        partly = any(addend.counted and not addend.exact for addend in counted)
        rest = ", those of templates from below, without what is put into them" if partly else ""
        notes.append(f"texts are counted with {known.counter.file}{rest}")
    elif known.tokenizer is not None:
        row = known.tokenizer
        notes.append(f"texts are bounded by their words and bytes (facts: {row.fact}, {row.as_of[:7]})")
    what = "does not fit" if most is None else "may not fit"
    return Finding(
        f"a full request of {request.words} {what}: {total} tokens, of {limit.value}", tuple(labels),
        notes=tuple(notes), help=tuple(_cures(scope, request, limit, largest, total, most)),
        severity=None if most is None else Severity.WARNING, found=str(total), expected=f"at most {limit.value}",
    )


def _size(addend: Addend, most: int | None) -> int:
    """What counts of an addend. From above, only numbers of a config count: the bytes of a text say too little."""
    return addend.least if most is None or not addend.how else addend.most or addend.least


def _beside(exact: bool) -> str:
    """What a sum leaves out: of a sum from below, also what a chat template puts around."""
    return "the chat template and a request itself bring" if exact else "a request itself brings"


def _label(addend: Addend, most: int | None) -> str:
    how = f"{addend.how} = " if addend.how else ""
    if addend.counted:
        how = "= " if addend.exact else "at least "
    return f"{addend.words}: {how}{_size(addend, most)} tokens"


def _cures(
    scope: Scope, request: Request, limit: Sourced[int], largest: Addend, total: int, most: int | None
) -> Iterator[str]:
    """What to write, for what takes the most room; and a longer context, where the model has one."""
    others = sum(max(a.least, a.most or 0) for a in request.addends if a is not largest)
    room = limit.value - others
    number = int(largest.how.partition(" ")[0]) if largest.how else 0
    key = str(largest.at[-1])
    if largest.how and room >= _size(largest, most) // number:
        yield f"`{key}: {room * number // _size(largest, most)}` fits, or cut shorter passages"
    elif not largest.how and key in ("tokens", "max_tokens", "max_completion_tokens") and room > 0:
        yield f"`{key}: {room}` fits, with nothing left for what a request brings itself"
    else:
        yield "shorten the largest part, or call a model with a longer context"
    own = context_tokens(scope.facts, request.model)
    place = config_place(limit.sources)
    if own is not None and own.value >= total > limit.value and place is not None and place[-1] == "max_model_len":
        yield f"`max_model_len` may be up to {own.value} for {called(request.model)}"


RULE = Rule(
    code=Code(
        code="PRM005",
        name="context-overflow",
        severity=Severity.ERROR,
        summary="A full request must fit into the context of the model, and of whatever serves it.",
        why=(
            "The engine refuses such a request, or cuts its beginning off, once the history is long or all passages are"
            " found: not in the first tests. An error is shown where the least that it takes does not fit, a warning"
            " where the most that passages may have does not."
        ),
        bad=(
            "steps:\n  retrieve: {index: policies, query: question, top_k: 40}     # 40 × 500 tokens\n"
            "  answer: {prompt: answer, model: answerer, with: {passages: retrieve}}     # of 16384"
        ),
        good=(
            "steps:\n  retrieve: {index: policies, query: question, top_k: 8}\n"
            "  answer: {prompt: answer, model: answerer, with: {passages: retrieve}}"
        ),
    ),
    check=check,
)
