"""Run a compiled eval with Inspect and judge what it measured.

    python run.py <eval>.json <results>.json

Exit code 0: the gate holds. 100: it does not. Any other: the eval did not run. The eval's file says what is asked of
whom; the rows stand beside it. `inspect eval run.py -T spec=<eval>.json -T subject=<label>` runs one subject by hand.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import jsonschema
from inspect_ai import Task, task
from inspect_ai import eval as run
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    ContentAudio,
    ContentImage,
    ContentText,
    GenerateConfig,
    Model,
    ModelOutput,
    get_model,
)
from inspect_ai.scorer import Score, Scorer, Target, mean, model_graded_fact, model_graded_qa, scorer
from inspect_ai.solver import Generate, Solver, TaskState, generate, solver
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

sys.path.insert(0, str(Path(__file__).resolve().parent))
import gate

SERVICE = "openai-api/llmops/"
NAME = re.compile(r"\{\{-?\s*([A-Za-z_]\w*)\s*-?\}\}")
JINJA = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, keep_trailing_newline=True,
    finalize=lambda value: json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value,
)


# --- words ---------------------------------------------------------------------------------------------------------


def named(value: Any, values: Mapping[str, Any]) -> Any:
    """A value with the row's variables in the place of their names in braces; nothing else in it is read."""
    if isinstance(value, str):
        whole = NAME.fullmatch(value)
        if whole and whole[1] in values:
            return values[whole[1]]
        return NAME.sub(lambda found: text(values[found[1]]) if found[1] in values else found[0], value)
    if isinstance(value, list):
        return [named(one, values) for one in value]
    if isinstance(value, dict):
        return {key: named(one, values) for key, one in value.items()}
    return value


def text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def said(template: str, syntax: str, values: Mapping[str, Any]) -> str:
    if syntax == "none":
        return template
    if syntax == "f-string":
        return re.sub(r"\{\{|\}\}|\{(\w+)\}", lambda m: text(values[m[1]]) if m[1] else m[0][0], template)
    return JINJA.from_string(template).render(dict(values))


def messages(subject: Mapping[str, Any], values: Mapping[str, Any]) -> list[ChatMessage]:
    """The prompt's messages with the row's variables in them; without a prompt the row's own `prompt`."""
    made: list[ChatMessage] = []
    kinds = {"system": ChatMessageSystem, "developer": ChatMessageSystem, "user": ChatMessageUser,
             "assistant": ChatMessageAssistant}
    known = {**dict.fromkeys(subject.get("optional", ()), ""), **values}
    syntax = subject.get("syntax", "none")
    for message in subject.get("messages") or [{"role": "user", "content": text(values.get("prompt", ""))}]:
        content, own = message["content"], message.get("syntax", syntax)
        parts = content if isinstance(content, str) else [part(one, own, known) for one in content]
        made.append(kinds[message["role"]](content=said(parts, own, known) if isinstance(parts, str) else parts))
    return made


def part(one: Mapping[str, str], syntax: str, values: Mapping[str, Any]) -> Any:
    if "text" in one:
        return ContentText(text=said(one["text"], syntax, values))
    if "image" in one:
        return ContentImage(image=said(one["image"], syntax, values))
    address = said(one["audio"], syntax, values)
    return ContentAudio(audio=address, format="wav" if "wav" in address[:24] else "mp3")


# --- who is asked --------------------------------------------------------------------------------------------------


def model(about: Mapping[str, Any], seed: int | None = None, concurrency: int | None = None) -> Model:
    """A model behind an OpenAI-compatible address."""
    config = GenerateConfig(
        **about.get("config", {}), extra_body=about.get("body") or None, max_connections=concurrency
    )
    if seed is not None and config.seed is None:
        config.seed = seed
    url = os.environ[about["url_variable"]] if "url_variable" in about else about.get("url")
    key = os.environ[about["key_variable"]] if "key_variable" in about else "none"
    return get_model(f"{SERVICE}{about['name']}", config=config, base_url=url, api_key=key)


@solver
def app(about: Mapping[str, Any]) -> Solver:
    """An app over HTTP: its answer, and the passages that it retrieved."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        values = state.metadata["vars"]
        url = os.environ[about["url_variable"]] + about.get("path", "") if "url_variable" in about else about["url"]
        sent = {name: os.environ[one["variable"]] if isinstance(one, dict) else named(one, values)
                for name, one in about.get("headers", {}).items()}
        if "key_variable" in about:
            sent["Authorization"] = f"Bearer {os.environ[about['key_variable']]}"
        body = named(about.get("body"), values)
        content = {"json": body} if isinstance(body, (dict, list)) else {"content": body} if body is not None else {}
        async with httpx.AsyncClient(timeout=about.get("timeout", 120)) as client:
            reply = await client.request(about["method"], text(named(url, values)), headers=sent, **content)
        reply.raise_for_status()
        found = reply.json() if "answer" in about or "passages" in about else reply.text
        answered(state, below(found, about["answer"]) if "answer" in about else found)
        if "passages" in about:
            passages = below(found, about["passages"])
            state.metadata["passages"] = [
                one if isinstance(one, str) else text(one.get("content") or one.get("text") or one)
                for one in (passages if isinstance(passages, list) else [] if passages is None else [passages])
            ]
        return state

    return solve


@solver
def code(about: Mapping[str, Any]) -> Solver:
    """A function of the project's own: it is given the row's variables, and returns the answer, or a map with `output`
    and `passages`."""
    call = function(about["file"], about["function"])

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        made = call(dict(state.metadata["vars"]))
        found = await made if isinstance(made, Awaitable) else made
        if isinstance(found, dict) and "output" in found:
            state.metadata["passages"] = found.get("passages", [])
            found = found["output"]
        answered(state, found)
        return state

    return solve


@solver
def asked(subject: Mapping[str, Any]) -> Solver:
    """The prompt's messages are put to the model."""
    generated = generate()

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.messages = messages(subject, state.metadata["vars"])
        return await generated(state, generate)

    return solve


def answered(state: TaskState, answer: Any) -> None:
    state.output = ModelOutput.from_content("app", text(answer))


def below(found: Any, path: str) -> Any:
    for key in path.split("."):
        found = found[int(key)] if isinstance(found, list) else found.get(key) if isinstance(found, dict) else None
    return found


def function(file: str, name: str) -> Callable[..., Any]:
    spec = importlib.util.spec_from_file_location(re.sub(r"\W", "_", file), file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[..., Any] = getattr(module, name)
    return found


# --- what is asserted ----------------------------------------------------------------------------------------------


def plain(found: Any) -> str:
    return " ".join(text(found).split()).lower()


def listed(value: Any) -> list[str]:
    return [text(one) for one in value] if isinstance(value, list) else [one.strip() for one in text(value).split(",")]


def distance(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def is_json(answer: str, schema: Any) -> bool:
    try:
        found = json.loads(answer)
        if isinstance(schema, dict):
            jsonschema.validate(found, schema)
    except (ValueError, jsonschema.ValidationError):
        return False
    return True


def holds_json(answer: str, schema: Any) -> bool:
    decoder = json.JSONDecoder()
    for start in (found.start() for found in re.finditer(r"[{\[]", answer)):
        try:
            _, end = decoder.raw_decode(answer[start:])
        except ValueError:
            continue
        if is_json(answer[start : start + end], schema):
            return True
    return False


def counts(answer: str, wanted: Any) -> bool:
    words = len(answer.split())
    if isinstance(wanted, dict):
        return bool(wanted.get("min", 0) <= words <= wanted.get("max", words))
    return words == int(wanted)


SIMPLE: dict[str, Callable[[str, Any], bool]] = {
    "contains": lambda a, v: text(v) in a,
    "icontains": lambda a, v: text(v).lower() in a.lower(),
    "contains-any": lambda a, v: any(one in a for one in listed(v)),
    "contains-all": lambda a, v: all(one in a for one in listed(v)),
    "icontains-any": lambda a, v: any(one.lower() in a.lower() for one in listed(v)),
    "icontains-all": lambda a, v: all(one.lower() in a.lower() for one in listed(v)),
    "starts-with": lambda a, v: a.startswith(text(v)),
    "equals": lambda a, v: (json.loads(a) == v if is_json(a, None) else False) if isinstance(v, dict) else a == text(v),
    "regex": lambda a, v: re.search(text(v), a) is not None,
    "is-json": is_json,
    "contains-json": holds_json,
    "word-count": counts,
}


async def one(about: Mapping[str, Any], state: TaskState, judge: Model | None) -> tuple[float, bool, str]:
    """Score, verdict and reason of an assertion."""
    kind = about["type"].removeprefix("not-")
    values = state.metadata["vars"]
    answer = state.output.completion
    value = values.get(about["column"]) if "column" in about else named(about.get("value"), values)
    least, reason = about.get("threshold"), ""
    if kind in SIMPLE:
        score = float(SIMPLE[kind](answer, value))
    elif kind == "levenshtein":
        steps = distance(answer, text(value))
        score, least, reason = float(steps <= (5 if least is None else least)), 1, f"{steps} changes"
    elif kind == "latency":
        took = 1000 * float(state.output.time or 0)
        score, least, reason = float(took <= (least or 0)), 1, f"{took:.0f} ms"
    elif kind == "cost":
        usage, price = state.output.usage, about["price"]
        cost = 0.0 if usage is None else usage.input_tokens * price["input"] + usage.output_tokens * price["output"]
        score, least, reason = float(usage is not None and cost <= least), 1, f"{cost:.3g} US dollars"
    elif kind == "context-recall":
        found = [plain(passage) for passage in state.metadata.get("passages", [])]
        wanted = [plain(passage) for passage in (value if isinstance(value, list) else [value])]
        score = sum(any(w in p for p in found) for w in wanted) / len(wanted)
    elif kind == "python":
        score, verdict, reason = await own(about, answer, values)
        least = least if least is not None else (None if verdict is None else 1)
        score = score if verdict is None or about.get("threshold") is not None else float(verdict)
    else:
        grader = model(about["judge"]) if "judge" in about else judge
        graded = model_graded_fact if kind in ("factuality", "model-graded-factuality") else model_graded_qa
        wanted = "\n\n".join([*([] if value is None else [text(value)]), *([about["also"]] if "also" in about else [])])
        result = await graded(model=grader, partial_credit=least is not None)(state, Target(wanted))
        score = {"C": 1.0, "P": 0.5}.get(str(result.value if result else ""), 0.0)
        reason = str(result.explanation) if result else ""
    passed = score >= (1 if least is None else least)
    if about["type"].startswith("not-"):
        score, passed = 1 - score, not passed
    return score, passed, reason


async def own(about: Mapping[str, Any], answer: str, values: Mapping[str, Any]) -> tuple[float, bool | None, str]:
    """Code of the project's own: a function of a file, an expression, or the body of a function."""
    context = {"vars": dict(values)}
    if "file" in about:
        made = function(about["file"], about.get("function", "get_assert"))(answer, context)
    else:
        source = about["value"]
        body = source if "return" in source else f"return ({source.strip()})"
        scope: dict[str, Any] = {}
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        exec(f"def get_assert(output, context):\n{lines}\n", scope)
        made = scope["get_assert"](answer, context)
    found = await made if isinstance(made, Awaitable) else made
    if isinstance(found, dict):
        verdict = found.get("pass", found.get("pass_"))
        return float(found.get("score", float(bool(verdict)))), verdict, str(found.get("reason", ""))
    return float(found), found if isinstance(found, bool) else None, ""


@scorer(metrics={"*": [mean()]})
def asserted(metrics: list[dict[str, Any]], judge: dict[str, Any] | None) -> Scorer:
    """Every assertion of a row. `pass_rate` is 1 where each that counts holds; beside it stand the named ones."""

    async def score(state: TaskState, target: Target) -> Score:
        grader = model(judge) if judge else None
        value: dict[str, float] = {"pass_rate": 1.0}
        told: list[str] = []
        for about in (*metrics, *state.metadata["assert"]):
            found, passed, reason = await one(about, state, grader)
            if "metric" in about:
                value[about["metric"]] = found
            if not passed and not about.get("informational"):
                value["pass_rate"] = 0.0
            told.append(f"{'ok ' if passed else 'NO '} {about.get('metric', '')} {about['type']}: {found:.4g} {reason}")
        return Score(value=dict(value), answer=state.output.completion, explanation="\n".join(told))

    return score


# --- runs ----------------------------------------------------------------------------------------------------------


def samples(rows: Path) -> MemoryDataset:
    made = []
    for number, line in enumerate(rows.read_text(encoding="utf-8").splitlines(), 1):
        row = json.loads(line)
        about = {"vars": row["vars"], "assert": row.get("assert", []), "about": row.get("metadata", {})}
        shown = text(row.get("description") or row["vars"])
        made.append(Sample(id=number, input=shown, metadata=about))
    return MemoryDataset(made)


def built(spec: Mapping[str, Any], folder: Path, subject: Mapping[str, Any]) -> Task:
    """One subject as a task of Inspect's."""
    solve = app(subject["app"]) if "app" in subject else code(subject["code"]) if "code" in subject else asked(subject)
    called = subject.get("model")
    return Task(
        name=re.sub(r"\W+", "_", f"{spec['name']}_{subject['label']}"),
        dataset=samples(folder / spec["rows"]),
        solver=solve,
        scorer=asserted(spec.get("metrics", []), spec.get("judge")),
        model=model(called, spec.get("seed"), spec.get("concurrency")) if called else get_model("none/none"),
        epochs=spec.get("repetitions", 1),
    )


@task
def suite(spec: str, subject: str = "") -> Task:
    about = json.loads(Path(spec).read_text(encoding="utf-8"))
    chosen = next(one for one in about["subjects"] if subject in ("", one["label"]))
    return built(about, Path(spec).parent, chosen)


def measured(spec: Mapping[str, Any], logs: list[Any]) -> dict[str, Any]:
    """What the logs say, in the gate's form."""
    subjects: dict[str, Any] = {}
    slices: dict[str, dict[str, list[float]]] = {column: {} for column in spec.get("slices", [])}
    used: dict[str, float] = {"rows": 0, "calls": 0, "tokens": 0, "usd": 0.0}
    prices = spec.get("prices", {})
    unknown = False
    for subject, log in zip(spec["subjects"], logs, strict=True):
        scores: dict[str, dict[str, list[float]]] = {}
        for sample in log.samples or []:
            found = (sample.scores or {}).get("asserted")
            value = found.value if found is not None and isinstance(found.value, dict) else {"pass_rate": 0.0}
            row = gate.row(sample.metadata["vars"], sample.metadata.get("assert"))
            for metric, score in value.items():
                scores.setdefault(metric, {}).setdefault(row, []).append(float(score))
            facts = {**sample.metadata.get("about", {}), **sample.metadata["vars"]}
            for column, groups in slices.items():
                groups.setdefault(text(facts.get(column)), []).append(float(value["pass_rate"]))
            used["rows"] += 1
            used["calls"] += 1 if "model" not in subject else 0
            used["calls"] += sum(getattr(event, "event", "") == "model" for event in sample.events or [])
            for name, usage in (sample.model_usage or {}).items():
                price = prices.get(name.removeprefix(SERVICE))
                used["tokens"] += usage.total_tokens
                unknown = unknown or price is None
                if price is not None:
                    used["usd"] += usage.input_tokens * price["input"] + usage.output_tokens * price["output"]
            unknown = unknown or "model" not in subject
        subjects[subject["label"]] = {metric: entry(rows) for metric, rows in scores.items()}
    if unknown:
        del used["usd"]
    groups = {
        column: {value: {"mean": sum(s) / len(s), "count": len(s)} for value, s in found.items()}
        for column, found in slices.items()
    }
    failed = sum(sample.error is not None for log in logs for sample in log.samples or [])
    return {"subjects": subjects, "used": used, "unanswered": failed, **({"slices": groups} if groups else {})}


def entry(rows: Mapping[str, list[float]]) -> dict[str, Any]:
    every = [score for scores in rows.values() for score in scores]
    return {
        "mean": sum(every) / len(every), "count": len(every),
        "rows": {row: sum(scores) / len(scores) for row, scores in rows.items()},
    }


def main(spec_path: str, results: str) -> int:
    spec = json.loads(Path(spec_path).read_text(encoding="utf-8"))
    if not gate.ready(spec.get("gate", {})):
        return gate.UNFIT
    if "timeout" in spec:
        signal.alarm(int(spec["timeout"]))  # ends the run
    folder = Path(spec_path).parent
    logs = run(
        [built(spec, folder, subject) for subject in spec["subjects"]],
        log_dir=f"{results.removesuffix('.json')}.logs", log_format="json", display="plain",
        max_samples=spec.get("concurrency"), fail_on_error=False, ctl_server=False,
    )
    for log in logs:
        if log.status != "success":
            print(f"the eval ended as `{log.status}`: {log.error.message if log.error else ''}", file=sys.stderr)
            return 1
        errors = [sample.error.message for sample in log.samples or [] if sample.error is not None]
        if errors:
            print(f"    {len(errors)} answers of {log.eval.task} failed, the first with {text(errors[0])[:500]!r}")
    return gate.finish(spec.get("gate", {}), measured(spec, logs), Path(results))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
