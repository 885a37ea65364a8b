#!/usr/bin/env python3
"""Answer whether texts pass guardrails, for an app that brings them.

    python check.py FOLDER      FOLDER/NAME is a folder of NeMo Guardrails' for the guardrail of that name

It reads one JSON object a line and writes one: {"load": NAME} is answered with {"ready": NAME}, {"guard": NAME,
"text": ...}, with `question` and `passages` where the text is an answer, with {"text", "blocked", "found"}. A text
passes only where the guardrail's own flow came to its end: whatever fails lets nothing pass.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from nemoguardrails import LLMRails, RailsConfig

LISTS = ("tool_input", "input", "output")


class Guard:
    def __init__(self, folder: Path, name: str) -> None:
        config = RailsConfig.from_path(str(folder / name))
        self.name, self.rails = name, LLMRails(config)
        self.list = next(one for one in LISTS if getattr(config.rails, one).flows)

    async def check(self, asked: dict[str, Any]) -> dict[str, Any]:
        text = asked["text"]
        self.rails.events_history_cache.clear()  # nothing of an earlier text counts for this one
        names = [f"passed_{self.name}", f"flagged_{self.name}"]
        options: Any = {"rails": [self.list], "output_vars": names}
        made: Any = await self.rails.generate_async(messages=self.messages(text, asked), options=options)
        passed, flagged = ((made.output_data or {}).get(name) is True for name in names)
        return {"text": text if passed else "", "blocked": not passed, "found": [self.name] if flagged else []}

    def messages(self, text: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """The text where the rails look for it."""
        if self.list == "input":
            return [{"role": "user", "content": text}]
        question = asked.get("question") or "."
        if self.list == "output":
            read = {"relevant_chunks": "\n".join(asked.get("passages") or ()), "check_facts": True}
            return [{"role": "context", "content": read}, {"role": "user", "content": question},
                    {"role": "assistant", "content": text}]
        tool = asked.get("tool") or "tool"
        call = {"id": "1", "type": "function", "function": {"name": tool, "arguments": "{}"}}
        return [{"role": "user", "content": question}, {"role": "assistant", "content": "", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "1", "name": tool, "content": text}]


async def answer(folder: Path, out: Any) -> None:
    guards: dict[str, Guard] = {}
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            asked = json.loads(line)
            if "load" in asked:
                guards[asked["load"]] = Guard(folder, asked["load"])
                said = {"ready": asked["load"]}
            else:
                said = await guards[asked["guard"]].check(asked)
        except Exception as error:  # whatever it is: the next line is answered, too
            said = {"text": "", "blocked": True, "found": [], "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), file=out, flush=True)


def main() -> None:
    out, sys.stdout = sys.stdout, sys.stderr  # what the package prints is for the log
    asyncio.run(answer(Path(sys.argv[1]), out))


if __name__ == "__main__":
    main()
