"""What texts must pass: guardrails, each asked in a program of its engine that runs beside the app.

A program reads a JSON object on a line (`guard`, `text`, what else the text goes with) and answers on a line: `text` is
what may go on, `blocked` whether nothing may. A guardrail is loaded (`load`) before it is first asked. What cannot be
asked, or does not answer in time, lets nothing pass.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

REFUSAL = "I can't help with that."
READY_IN = 300.0
"""Seconds in which a guardrail must be ready: its program may load models."""


class Refused(Exception):
    """A text did not pass; the words are for whoever is told."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class Unasked(RuntimeError):
    """A guardrail could not be asked."""


class Program:
    """A program of an engine: started when it is first needed, one question at a time."""

    def __init__(self, argv: list[str], env: Mapping[str, str], folder: Path) -> None:
        self.argv, self.env, self.folder = argv, env, folder
        self.lock = threading.Lock()
        self.process: subprocess.Popen[str] | None = None
        self.loaded: set[str] = set()

    def load(self, name: str) -> None:
        """Until the guardrail can be asked. What the program says beside its answers is for the log."""
        with self.lock:
            if self.process is None or self.process.poll() is not None:
                self.loaded.clear()
                self.process = subprocess.Popen(
                    self.argv, cwd=self.folder, env=dict(self.env), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    text=True, encoding="utf-8", bufsize=1,
                )  # fmt: skip
            if name not in self.loaded:
                answer = self.exchange({"load": name})
                if answer.get("ready") != name:
                    raise Unasked(str(answer.get("error", "it was not loaded")))
                self.loaded.add(name)

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        with self.lock:
            return self.exchange(question)

    def exchange(self, line: Mapping[str, Any]) -> dict[str, Any]:
        process = self.process
        if process is None or process.stdin is None or process.stdout is None:
            raise Unasked("its program was not started")
        process.stdin.write(json.dumps(line) + "\n")
        process.stdin.flush()
        text = process.stdout.readline()
        found = json.loads(text) if text else None
        if not isinstance(found, dict):
            raise Unasked("its program gave no answer")
        return found

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()


class Guards:
    """All guardrails of an app."""

    def __init__(self, told: Mapping[str, Any], folder: Path) -> None:
        self.told = told
        self.programs: dict[str, Program] = {}
        together: dict[tuple[str, ...], list[str]] = {}
        for name, guard in told.items():
            together.setdefault(tuple(guard["argv"]), []).append(name)
        for argv, names in together.items():
            env = {"PATH": os.environ.get("PATH", os.defpath)}
            for name in names:
                env |= told[name].get("settings", {})
                env |= {one: os.environ[one] for one in told[name].get("variables", []) if one in os.environ}
            program = Program([*argv], env, folder)
            self.programs |= dict.fromkeys(names, program)

    def of(self, names: Iterable[str], stage: str) -> list[str]:
        return [name for name in names if self.told[name]["stage"] == stage]

    async def passed(self, names: Iterable[str], stage: str, text: str, **more: Any) -> str:
        """The text as it may go on; `Refused` where it may not."""
        for name in self.of(names, stage):
            answer = await self.asked(name, text, more)
            if answer.get("blocked") is not False:
                raise Refused(name, self.told[name].get("message", REFUSAL))
            if answer.get("found"):
                print(f"guardrail {name} found: {', '.join(map(str, answer['found']))}", file=sys.stderr)
            text = str(answer["text"])
        return text

    async def asked(self, name: str, text: str, more: Mapping[str, Any]) -> dict[str, Any]:
        program, seconds = self.programs[name], self.told[name].get("timeout")
        try:
            await asyncio.wait_for(asyncio.to_thread(program.load, name), READY_IN)
            asking = asyncio.to_thread(program.ask, {"guard": name, "text": text, **more})
            return await asyncio.wait_for(asking, seconds)
        except (OSError, ValueError, TimeoutError, Unasked) as error:
            program.stop()
            why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            print(f"guardrail {name} cannot be asked: {why}", file=sys.stderr)
            raise Refused(name, self.told[name].get("message", REFUSAL)) from None

    async def every(self, names: Iterable[str], stage: str, value: Any, **more: Any) -> Any:
        """The same for all texts in a value."""
        names = list(names)
        if not self.of(names, stage):
            return value
        if isinstance(value, str):
            return await self.passed(names, stage, value, **more)
        if isinstance(value, Mapping):
            return {key: await self.every(names, stage, item, **more) for key, item in value.items()}
        if isinstance(value, list):
            return [await self.every(names, stage, item, **more) for item in value]
        return value

    async def arguments(self, names: Iterable[str], given: dict[str, Any]) -> dict[str, Any]:
        """What a tool may get: looked at as a whole, and text by text where something of it must go."""
        names, whole = list(names), json.dumps(given, ensure_ascii=False)
        if await self.passed(names, "tool", whole) == whole:
            return given
        made: dict[str, Any] = await self.every(names, "tool", given)
        return made

    async def passages(self, names: Iterable[str], found: list[dict[str, Any]], query: str) -> list[dict[str, Any]]:
        """The passages that a model may read: one that does not pass is left out."""
        names, kept = list(names), []
        for one in found:
            try:
                text = await self.passed(names, "retrieval", one["content"], question=query)
            except Refused as refused:
                print(f"guardrail {refused.name} left out a passage: {one.get('meta')}", file=sys.stderr)
                continue
            kept.append({**one, "content": text})
        return kept
