from __future__ import annotations

import pytest

from llmops.targets.promptfoo.escapes import provider_part, rendered, unrendered, variable
from tests.support.escapes import Escape, refuses, survives_canaries, takes_no_time


@pytest.mark.parametrize(
    ("escape", "refused", "taken"),
    [
        (
            rendered,
            [
                "file:///etc/passwd",
                " file://x",
                "FILE://x",
                "package:a:b",
                "exec:id",
                "python:x.py",
                "javascript:x",
                "$ref",
                "langfuse://x",
                "portkey://x",
                "helicone://x",
            ],
            ["python: how do I sort?", "a file://x", "https://example.com", "ref", "profile://x", "exec: the board"],
        ),
        (
            variable(["question", "label"]),
            [
                "{{question}}",
                "a {{ {{ label }}",
                "file://x",
                "{{\tlabel\n}}",
                "{{ env.HOME }}",
                "a {{ x } env['HOME'] }}",
            ],
            ["{{ other }}", "{{ question", "{% if question %}", "question", "env.HOME", "{{ x }} env.HOME"],
        ),
        (
            provider_part,
            ["http://x", "https://x", "wss://x", "exec:id", "file://x", "mcp"],
            ["openai:gpt", "mcpx"],
        ),
    ],
)
def test_what_has_no_writing_is_refused(escape: Escape, refused: list[str], taken: list[str]) -> None:
    refuses(escape, refused, taken)


@pytest.mark.parametrize("escape", [rendered, unrendered, variable(["question"]), provider_part])
def test_an_escape_takes_or_refuses_every_text_at_once(escape: Escape) -> None:
    survives_canaries(escape)
    takes_no_time(escape)
