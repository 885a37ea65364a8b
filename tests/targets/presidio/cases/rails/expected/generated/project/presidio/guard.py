#!/usr/bin/env python3
"""Read a text as a guardrail says, with Presidio: what it finds is refused, replaced, or noted.

    python guard.py FOLDER NAME < text        prints the outcome as JSON; exit code 3 where the text is refused
    python guard.py FOLDER --lines            answers {"load": NAME} and {"guard": NAME, "text": ...}, one on each line

    guard = Guard("generated/prod/presidio", "no_pii")
    checked = guard.check("Mail me at bob@example.com")
    if checked.blocked: ...                    # checked.message, if the guardrail has one
    checked.text                               # with replacements
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from presidio_analyzer import AnalyzerEngineProvider, RecognizerResult
from presidio_anonymizer import AnonymizerEngine
from presidio_anonymizer.entities import OperatorConfig
from presidio_anonymizer.entities import RecognizerResult as Found


@dataclass(frozen=True)
class Checked:
    """`text` is what may go on; `found` are the entities that were found, each once."""

    text: str
    blocked: bool
    found: tuple[str, ...]
    message: str = ""


class Guard:
    """One guardrail; making it takes seconds, a check milliseconds."""

    def __init__(self, folder: str | Path, name: str) -> None:
        self.rail: dict[str, Any] = json.loads(Path(folder, f"{name}.json").read_text(encoding="utf-8"))
        self.analyzer = AnalyzerEngineProvider(Path(folder, f"{name}.analyzer.yaml")).create_engine()
        self.anonymizer = AnonymizerEngine()

    def check(self, text: str, language: str | None = None) -> Checked:
        """The language is the guardrail's first, unless said."""
        spoken = language or self.rail["languages"][0]
        results: list[RecognizerResult] = self.analyzer.analyze(
            text, spoken, entities=self.rail["entities"], allow_list=self.rail.get("allow_list"),
            score_threshold=self.rail.get("threshold"),
        )
        found = tuple(sorted({result.entity_type for result in results}))
        if not found or self.rail["action"] == "flag":
            return Checked(text, False, found)
        if self.rail["action"] == "block":
            return Checked("", True, found, self.rail.get("message", ""))
        operators = {name: OperatorConfig.from_json(dict(how)) for name, how in self.rail["operators"].items()}
        places = [Found(one.entity_type, one.start, one.end, one.score) for one in results]
        return Checked(self.anonymizer.anonymize(text, places, operators).text, False, found)


def answer(folder: Path) -> None:
    """One line for each line. A line that fails passes nothing."""
    guards: dict[str, Guard] = {}
    for line in sys.stdin:
        try:
            asked = json.loads(line)
            if "load" in asked:
                guards[asked["load"]] = Guard(folder, asked["load"])
                said: dict[str, Any] = {"ready": asked["load"]}
            else:
                said = asdict(guards[asked["guard"]].check(asked["text"]))
        except Exception as error:  # whatever it is: the next line is answered, too
            said = {"text": "", "blocked": True, "found": [], "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Read a text from standard input as a guardrail says.")
    parser.add_argument("folder", type=Path, help="where the compiled guardrails stand")
    parser.add_argument("name", nargs="?", help="the guardrail")
    parser.add_argument("--lines", action="store_true", help="answer each line, instead of reading one text")
    parser.add_argument("--language", help="of the text; default: the guardrail's first")
    options = parser.parse_args()
    if options.lines:
        answer(options.folder)
        return 0
    if options.name is None:
        parser.error("which guardrail?")
    checked = Guard(options.folder, options.name).check(sys.stdin.read(), options.language)
    print(json.dumps(asdict(checked)))
    return 3 if checked.blocked else 0


if __name__ == "__main__":
    sys.exit(main())
