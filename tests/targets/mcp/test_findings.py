"""What the target cannot express, each told at its place, and nothing offered under weaker rules than a tool's own."""

from __future__ import annotations

from typing import Any

import pytest

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request

FUNCTION = """\
parameters: {order: {type: string}}
effects: write
trust: trusted
"""
SERVER = """\
mcp:
  transport: stdio
  package: npm:@example/forge
  version: 1.4.0
  allow: {search: {effects: read, trust: untrusted}}
"""
CODE = "code: tools/shop.py\n"
ENDPOINT = "endpoint: {url: https://shop.example.com/refunds"
SAYS = "mcp cannot express this: "


def compiled(tool: str, options: str = "{}\n") -> Compilation:
    return compile_project(Memory({
        "llmops.yaml": b"name: shop\nenvironments: {dev: []}\n",
        "conf/config.yaml": b"defaults:\n  - tool: [it]\n  - target: [mcp]\n  - env: dev\n",
        "conf/tool/it.yaml": tool.encode(), "conf/target/mcp.yaml": options.encode(),
        "tools/shop.py": b"def it(order): ...\n",
    }), Request())  # fmt: skip


def told(made: Compilation) -> list[tuple[str, str, int, int]]:
    """Message, file and place of what the target said."""
    said = [d for d in made.diagnostics if d.code.startswith("TGT")]
    return [(d.message.removeprefix(SAYS), d.labels[0].span.file, *at(d)) for d in said]


def at(diagnostic: Any) -> tuple[int, int]:
    span = diagnostic.labels[0].span
    return span.line, span.column


OFFERED_NOTHING: list[tuple[str, str, tuple[int, int]]] = [
    (FUNCTION, "nothing says what runs the function", (1, 13)),
    (f"{FUNCTION}{CODE}approval: policy\n",
     "no policy decides there, so the function is not offered", (5, 11)),
    (f"{FUNCTION}{CODE}sandbox: {{network: false}}\n",
     "code runs in the server itself, so the function is not offered", (5, 10)),
    (f"{FUNCTION}{ENDPOINT}, auth: identity}}\n",
     "it has no identity to show, so the function is not offered", (4, 57)),
    (f"{FUNCTION}{ENDPOINT}, auth: secret}}\n",
     "no secret is named, so the function is not offered", (4, 57)),
    (f"{SERVER}  auth: oauth\n", "it signs nobody in, so the server is not offered", (6, 9)),
    (SERVER.replace("stdio", "http"),
     "it starts no server that listens, so this one is not offered", (2, 14)),
    (f"{SERVER}sandbox: {{network: false}}\n",
     "a package runs as its client does, so the server is not offered", (6, 10)),
    (SERVER.replace("untrusted}", "untrusted, approval: policy}"),
     "no policy decides there, so the function is not offered", (5, 63)),
    (SERVER.replace("package: npm:@example/forge\n  version: 1.4.0", "url: https://forge.example.com/mcp"),
     "a server at an address is spoken to over HTTP", (2, 14)),
    (SERVER.replace("package: npm:@example/forge\n  version: 1.4.0", "image: --privileged"),
     "this is no image: it starts with `-` and would be an option", (3, 10)),
]  # fmt: skip
OFFERED: list[tuple[str, str, tuple[int, int]]] = [
    (f"{FUNCTION}{CODE}{ENDPOINT}}}\n", "its `code` is called", (5, 11)),
    (f"{FUNCTION}{CODE}limits: {{tpm: 5}}\n", "it counts calls, not tokens", (5, 15)),
    (f"{SERVER}  digest: sha256:{'0' * 64}\n", "what runs a package checks no digest of yours", (6, 11)),
    (f"{SERVER}  env: {{A: {{variable: B}}}}\n",
     "a variable is passed on under its own name, not as `A`", (6, 12)),
    (SERVER.replace("stdio", "http").replace("package: npm:@example/forge\n  version: 1.4.0",
                                             "url: https://forge.example.com/mcp\n  command: [x]"),
     "the server runs already", (4, 12)),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "message", "place"), OFFERED_NOTHING)
def test_what_cannot_be_kept_is_told_and_not_offered(tool: str, message: str, place: tuple[int, int]) -> None:
    made = compiled(tool)
    assert told(made) == [(message, "conf/tool/it.yaml", *place)]
    assert [e.path for e in made.emitted if e.target == "mcp"] == []


@pytest.mark.parametrize(("tool", "message", "place"), OFFERED)
def test_what_has_no_effect_is_told(tool: str, message: str, place: tuple[int, int]) -> None:
    made = compiled(tool)
    assert told(made) == [(message, "conf/tool/it.yaml", *place)]
    assert any(e.path.endswith("project/mcp/server.py") for e in made.emitted)


def test_a_server_that_others_can_reach_needs_a_key() -> None:
    made = compiled(FUNCTION + CODE, "http: {port: 80, host: 0.0.0.0}\n")
    assert told(made) == [("a server that others can reach needs a key", "conf/target/mcp.yaml", 1, 24)]
    assert [d.severity for d in made.diagnostics if d.code.startswith("TGT")] == ["error"]


def test_a_text_that_a_client_would_expand_is_refused() -> None:
    options = 'clients: [gemini-cli]\nhttp: {port: 80, url: "https://example.com/$HOME"}\n'
    made = compiled(FUNCTION + CODE, options)
    message = "gemini-cli would put a variable in the place of `$`"
    assert [found[0] for found in told(made)] == [message]


def test_zed_is_told_of_no_server_that_asks_for_a_key() -> None:
    made = compile_project(Memory({
        "llmops.yaml": b"name: shop\nenvironments: {dev: []}\n",
        "conf/config.yaml": b"defaults:\n  - tool: [it]\n  - secret: [key]\n  - target: [mcp]\n  - env: dev\n",
        "conf/tool/it.yaml": (FUNCTION + CODE).encode(), "conf/secret/key.yaml": b"variable: TOOLS_KEY\n",
        "conf/target/mcp.yaml": b"clients: [zed, codex]\nhttp: {port: 80, host: 0.0.0.0, secret: key}\n",
        "tools/shop.py": b"def it(order): ...\n",
    }), Request())  # fmt: skip
    assert told(made) == [(
        "Zed can be told no variable, so the server is left out of its config", "conf/target/mcp.yaml", 2, 41,
    )]  # fmt: skip
    data = {e.path.rpartition("/")[2]: e.data for e in made.emitted}
    assert data["zed.json"] == {"context_servers": {}}
    assert data["codex.toml"]["mcp_servers"]["shop"] == {
        "url": "http://127.0.0.1:80/mcp", "bearer_token_env_var": "TOOLS_KEY", "enabled_tools": ["it"],
    }
    assert data["tools.json"]["http"] == {"host": "0.0.0.0", "port": 80, "key": "TOOLS_KEY"}
