"""The configs of clients: an agent of others connects by the one compiled for it, and misspelt keys are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmops.compiler.driver import compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.mcp.known import check, data
from tests.targets.test_cases import HERE, compile_case, project_files
from tests.tools.toolbox import require_tool, run_tool

CASES = HERE / "mcp" / "cases"


@pytest.mark.tools
def test_an_agent_connects_by_its_config(tmp_path: Path) -> None:
    """Gemini CLI starts the servers that its settings name, and says which of them answered the handshake."""
    gemini, python = require_tool("gemini"), require_tool("mcp").parent / "python"
    options = f"clients: [gemini-cli]\npython: {python}\n"
    files = {**project_files(CASES / "functions"), "conf/target/mcp.yaml": options.encode()}
    made = compile_project(Memory(files), Request()).emitted
    for name, content in {**files, **{e.path: e.content for e in made}}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / ".gemini").mkdir()
    settings = tmp_path / ".gemini" / "settings.json"
    settings.write_bytes((tmp_path / "generated/dev/mcp/clients/gemini-cli.json").read_bytes())
    env = dict.fromkeys(("SHOP_KEY", "WEATHER_KEY"), "value")
    env |= dict.fromkeys(("WEATHER_URL", "NOTIFY_URL", "ELSEWHERE_URL"), "http://127.0.0.1:9/x")
    env |= {"GEMINI_CLI_TRUST_WORKSPACE": "true", "PATH": path_with_node()}
    shown = run_tool([gemini, "mcp", "list"], tmp_path, env)
    started = f"case: {python} generated/project/mcp/server.py generated/dev/mcp/tools.json (stdio)"
    assert f"{started} - Connected" in shown.output, shown
    assert "servers/elsewhere.json (stdio) - Disconnected" in shown.output
    broken = json.loads(settings.read_text())
    broken["mcpServers"]["case"]["args"][1] = "generated/dev/mcp/tool.json"
    settings.write_text(json.dumps(broken))
    assert "tool.json (stdio) - Disconnected" in run_tool([gemini, "mcp", "list"], tmp_path, env).output


def path_with_node() -> str:
    return f"{require_tool('node').parent}:/usr/bin:/bin"


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    emitted = compile_case(CASES / "clients").emitted
    return {e.path.removeprefix("generated/dev/mcp/"): e.data for e in emitted if e.data is not None}


def test_what_is_written_is_what_clients_read(written: dict[str, Any]) -> None:
    clients = {path: found for path, found in written.items() if path.startswith("clients/")}
    assert set(clients) == {f"clients/{client['file']}" for client in data("clients.json").values()}
    assert [complaint for path, found in written.items() for complaint in check(path, found)] == []


@pytest.mark.parametrize("client", sorted(data("clients.json")))
def test_a_misspelt_key_is_told(client: str, written: dict[str, Any]) -> None:
    known = data("clients.json")[client]
    path = f"clients/{known['file']}"
    found = json.loads(json.dumps(written[path]))
    found[known["servers"]]["search"]["argz"] = found[known["servers"]]["search"].pop("args")
    assert list(check(path, found)) == ["`search` has no key `argz`; did you mean `args`?"]
    found[f"{known['servers']}s"] = found.pop(known["servers"])
    assert [complaint.split(";")[0] for complaint in check(path, found)] == [
        f"the config has no key `{known['servers']}s`"
    ]


def test_no_config_holds_a_value_of_a_variable(written: dict[str, Any]) -> None:
    """Where a client can name no variable, its config names none: the program has what the client has."""
    assert "KEY" not in json.dumps(written["clients/zed.json"])
    for path, found in written.items():
        if path.startswith("clients/") and "zed" not in path:
            assert "SHOP_KEY" in json.dumps(found)


def test_what_the_server_would_pass_over_is_told(written: dict[str, Any]) -> None:
    found = json.loads(json.dumps(written["tools.json"]))
    entry = found["functions"][0]
    entry["aproval"] = entry.pop("approval")
    entry["tool"]["inputSchema"]["type"] = "objekt"
    entry["tool"]["annotations"]["readonlyHint"] = True
    entry["endpoint"]["methods"] = "PUT"
    assert list(check("tools.json", found)) == [
        "`refund` has no key `aproval`; did you mean `approval`?",
        "annotations of `refund` has no key `readonlyHint`; did you mean `readOnlyHint`?",
        "endpoint of `refund` has no key `methods`; did you mean `method`?",
        "inputSchema of `refund`: no type is called `objekt`; did you mean `object`?",
    ]
