#!/usr/bin/env python3
"""Make the rows of a dataset, as its section of params.yaml says.

    python recipe.py <dataset>

`derived` runs a function of the project over each row, `synthetic` has a model write rows, `decontaminated` leaves out
rows that other datasets hold. Run by DVC in the folder of params.yaml; the numbers go to `<dataset>.metrics.json`.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import re
import string
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment

Row = dict[str, Any]
TRIES = 5
TIMEOUT = 300
SHORT = 4
"""A text of fewer words says too little to tell two rows alike by it."""
ASKED = 3
"""How many calls are made for a row that is wanted, at most: what is no row, or the same again, is asked anew."""


class Stop(Exception):
    """Why no rows can be made."""


def main(name: str) -> None:
    wanted = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))[name]
    try:
        made, numbers = RECIPES[wanted["recipe"]](wanted)
        if not made:
            raise Stop("it would hold no row")
    except Stop as stop:
        sys.exit(f"error: {name}: {stop}")
    target = Path(wanted["out"])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made), encoding="utf-8")
    numbers = {"rows": len(made), **numbers}
    target.with_suffix(".metrics.json").write_text(json.dumps(numbers) + "\n")
    print(f"{name}: " + ", ".join(f"{count} {what}" for what, count in numbers.items()))


# --- reading -----------------------------------------------------------------------------------------------------


def rows_of(sources: dict[str, Any]) -> list[Row]:
    """The rows of all datasets, each with its columns also by what they mean."""
    found: list[Row] = []
    for source in sources.values():
        rows = [row for file in source["files"] for row in read(Path(file))]
        fields = source.get("fields") or {}
        for row in rows[: source.get("max_rows")]:
            found.append({**{m: row[c] for m, c in fields.items() if c in row}, **row})
    return found


def read(file: Path) -> Iterator[Row]:
    text = file.read_text(encoding="utf-8-sig")
    if file.suffix == ".csv":
        yield from csv.DictReader(text.splitlines(keepends=True))
    elif file.suffix == ".json":
        yield from json.loads(text)
    elif file.suffix == ".jsonl":
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                try:
                    yield json.loads(line)
                except ValueError:
                    raise Stop(f"{file}:{number} is no JSON") from None
    else:
        yield {"text": text, "file": file.name}


# --- derived -----------------------------------------------------------------------------------------------------


def derived(wanted: dict[str, Any]) -> tuple[list[Row], Row]:
    """What the function gives for each row: a row, several, or None for none."""
    function = loaded(Path(wanted["code"]), wanted["function"])
    rows = rows_of(wanted["from"])
    made: list[Row] = []
    for row in rows:
        given = function(dict(row))
        given = [] if given is None else [given] if isinstance(given, dict) else list(given)
        if not all(isinstance(one, dict) for one in given):
            raise Stop(f"{wanted['function']} gave something that is no row")
        made.extend(given)
    return made[: wanted.get("count")], {"read": len(rows)}


def loaded(file: Path, name: str) -> Any:
    sys.path.insert(0, str(file.parent.resolve()))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise Stop(f"{file} is no Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise Stop(f"{file} has no function {name}")
    return found


# --- synthetic ---------------------------------------------------------------------------------------------------


def synthetic(wanted: dict[str, Any]) -> tuple[list[Row], Row]:
    """Rows that a model writes, each for a row of the source, in turn, until there are enough different ones."""
    rows, count = rows_of(wanted["from"]) or [{}], wanted["count"]
    columns = wanted.get("columns") or []
    made: dict[str, Row] = {}
    calls = refused = 0
    while len(made) < count and calls < ASKED * count:
        messages = filled(wanted["messages"], wanted["syntax"], rows[calls % len(rows)])
        for row in rows_in(answer(wanted["call"], messages, calls), columns):
            if columns and not set(columns) <= row.keys():
                refused += 1
            elif len(made) < count:
                made.setdefault(json.dumps(row, sort_keys=True), row)
        calls += 1
    if len(made) < count:
        raise Stop(f"{calls} answers gave {len(made)} different rows ({refused} lacked a column); {count} are wanted")
    return list(made.values()), {"calls": calls, "refused": refused}


def filled(messages: list[Row], syntax: str, row: Row) -> list[Row]:
    """The messages for a row; one with a syntax of its own is read by that."""
    return [
        {"role": one["role"], "content": text_of(one["content"], one.get("syntax", syntax), row)} for one in messages
    ]


def text_of(text: str, syntax: str, row: Row) -> str:
    try:
        if syntax == "f-string":
            return string.Formatter().vformat(text, (), row)
        if syntax == "none":
            return text
        environment = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
        return environment.from_string(text).render(row)
    except (KeyError, jinja2.TemplateError) as error:
        raise Stop(f"the prompt asks for what a row lacks: {error}") from None


def answer(call: dict[str, Any], messages: list[Row], number: int) -> str:
    """What the model says, over an OpenAI-compatible API. With a `seed`, each further call counts on from it."""
    params = dict(call.get("params") or {})
    if isinstance(params.get("seed"), int):
        params["seed"] += number
    body = json.dumps({"model": call["model"], "messages": messages, **params}).encode()
    headers = {"Content-Type": "application/json"}
    if call.get("key"):
        headers["Authorization"] = f"Bearer {variable(call['key'])}"
    base = call["url"] if call.get("url") else variable(call["url_variable"])
    request = urllib.request.Request(f"{base.rstrip('/')}/chat/completions", body, headers, method="POST")
    for attempt in range(1, TRIES + 1):
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as reply:
                said = json.load(reply)["choices"][0]["message"]["content"]
                return str(said or "")
        except urllib.error.HTTPError as error:
            if attempt == TRIES or (error.code < 500 and error.code not in (408, 409, 429)):
                raise Stop(f"the model answered {error.code}: {error.read().decode(errors='replace')[:400]}") from None
        except OSError as error:
            if attempt == TRIES:
                raise Stop(f"the model cannot be reached: {error}") from None
        time.sleep(2 ** (attempt - 1))
    raise Stop("the model cannot be reached")


def variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise Stop(f"the variable {name} is not set")
    return value


def rows_in(said: str, columns: list[str]) -> list[Row]:
    """An answer as rows: JSON as it is, other text in the one column that there is."""
    text = re.sub(r"\A```(?:json)?\s*\n(.*)\n```\Z", r"\1", said.strip(), flags=re.DOTALL)
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return value
    return [{columns[0] if len(columns) == 1 else "text": said.strip()}]


# --- decontaminated ----------------------------------------------------------------------------------------------


def decontaminated(wanted: dict[str, Any]) -> tuple[list[Row], Row]:
    """The rows that share nothing with the others: no text, no run of words, not the row as a whole."""
    rows, ngram = rows_of(wanted["from"]), wanted.get("ngram")
    others = [words_of(row) for row in rows_of(wanted["against"])]
    texts = {text for row in others for text in row if len(text) >= SHORT}
    whole = {frozenset(row) for row in others}
    runs = {run for row in others for text in row for run in grams(text, ngram)}
    kept = [row for row in rows if not alike(words_of(row), texts, whole, runs, ngram)]
    return kept[: wanted.get("count")], {"read": len(rows), "dropped": len(rows) - len(kept)}


def alike(row: list[tuple[str, ...]], texts: Any, whole: Any, runs: Any, ngram: int | None) -> bool:
    same = any(text in texts for text in row) or frozenset(row) in whole
    return same or any(run in runs for text in row for run in grams(text, ngram))


def grams(text: tuple[str, ...], size: int | None) -> Iterator[tuple[str, ...]]:
    return iter(()) if size is None else (text[n : n + size] for n in range(len(text) - size + 1))


def words_of(value: Any) -> list[tuple[str, ...]]:
    """Each text in a row as its words, without case and signs."""
    if isinstance(value, str):
        words = tuple(re.findall(r"\w+", value.casefold()))
        return [words] if words else []
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [words for item in below for words in words_of(item)]


RECIPES = {"derived": derived, "synthetic": synthetic, "decontaminated": decontaminated}

if __name__ == "__main__":
    main(sys.argv[1])
