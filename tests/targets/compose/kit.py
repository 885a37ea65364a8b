"""Small projects that run on Compose."""

from __future__ import annotations

from typing import Any

import yaml

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request

DEFAULT_ENV = "{platform: compose, pools: {gpu: {accelerator: L40S, per_node: 4, nodes: 1}}}"


def project(env: str = DEFAULT_ENV, **files: str) -> Compilation:
    """`deployment__cache="image: redis:8.2"` stands at conf/deployment/cache.yaml."""
    kinds: dict[str, list[str]] = {}
    for name in files:
        kind, _, stem = name.partition("__")
        kinds.setdefault(kind, []).append(stem)
    selected = "".join(f"  - {kind}: [{', '.join(stems)}]\n" for kind, stems in kinds.items())
    return compile_project(
        Memory({
            "llmops.yaml": b"name: case\nenvironments: {dev: []}\n",
            "conf/config.yaml": f"defaults:\n{selected}  - env: dev\n".encode(),
            "conf/env/dev.yaml": f"env: {env}\n".encode(),
            **{f"conf/{name.replace('__', '/')}.yaml": text.encode() for name, text in files.items()},
        }),
        Request(),
    )  # fmt: skip


def content(found: Compilation) -> bytes:
    made = [e.content for e in found.emitted if e.target == "compose"]
    assert len(made) == 1, [d.message for d in found.diagnostics]
    return made[0]


def written(found: Compilation) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(content(found))
    return loaded


def said(found: Compilation) -> list[tuple[str, str, str, int]]:
    return [
        (d.severity.value, d.message, d.labels[0].span.file.removeprefix("conf/"), d.labels[0].span.line)
        for d in found.diagnostics
        if d.code == "TGT002" and d.labels
    ]
