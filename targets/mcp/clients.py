"""The config files of editors and agents. What each reads, and where that is documented, stands in `clients.json`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmops.compiler.model.artifact import Artifact, Format
from llmops.compiler.model.exports import Variable
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Sourced, literal
from llmops.compiler.model.sources import At, Source
from llmops.targets.mcp.known import data
from llmops.targets.mcp.work import Work


@dataclass(frozen=True, slots=True)
class Entry:
    """A server as clients start it (`argv`) or find it (`url`, with the variable of its key)."""

    name: str
    functions: tuple[Sourced[str], ...]
    about: tuple[Address | Sourced[Address], ...]
    argv: tuple[Sourced[str], ...] = ()
    variables: tuple[Variable, ...] = ()
    url: Sourced[str] | None = None
    key: Variable | None = None
    why: tuple[Source, ...] = ()
    """What lets it be offered at all."""


def configs(work: Work, entries: list[Entry]) -> Iterator[Artifact]:
    """A file for each client that the options name."""
    chosen = [] if work.lowering.options is None else list(work.lowering.options.entries("clients"))
    for node in chosen:
        client = str(node.value)
        why = Sourced(client, (node.source(),), raw=True)
        known = data("clients.json")[client]
        made = {entry.name: _MAKERS[client](work, client, entry) for entry in entries}
        body: dict[str, Any] = {known["servers"]: {
            entry.name: Sourced(made[entry.name], entry.why, raw=True)
            for entry in entries if made[entry.name] is not None
        }}
        if client == "vscode":
            body = {**_inputs(entries), **body}
        about = tuple(dict.fromkeys(address for entry in entries for address in entry.about))
        toml = known["file"].endswith(".toml")
        yield Artifact(
            f"clients/{known['file']}", Sourced(body, why.sources, raw=True), about,
            Format.TOML if toml else Format.JSON, comment="#" if toml else None,
        )


def _vscode(work: Work, client: str, entry: Entry) -> dict[str, Any]:
    return _plain(work, client, entry, lambda name: f"${{input:{name}}}", stdio="stdio", http="http")


def _cursor(work: Work, client: str, entry: Entry) -> dict[str, Any]:
    return _plain(work, client, entry, lambda name: f"${{env:{name}}}", stdio="stdio")


def _claude_code(work: Work, client: str, entry: Entry) -> dict[str, Any]:
    return _plain(work, client, entry, lambda name: f"${{{name}}}", stdio="stdio", http="http")


def _windsurf(work: Work, client: str, entry: Entry) -> dict[str, Any]:
    return _plain(work, client, entry, lambda name: f"${{env:{name}}}", url="serverUrl")


def _gemini_cli(work: Work, client: str, entry: Entry) -> dict[str, Any]:
    made = _plain(work, client, entry, lambda name: f"${{{name}}}", url="httpUrl")
    return {**made, "includeTools": list(entry.functions)}


def _zed(work: Work, client: str, entry: Entry) -> dict[str, Any] | None:
    """It names no variables: a program that it starts has its own environment."""
    if entry.key is not None and work.http is not None:
        work.unsupported(work.http.at("secret"), "Zed can be told no variable, so the server is left out of its config",
                         "let clients start the server: leave `http` out")
        return None
    return _plain(work, client, entry, None)


def _codex(work: Work, client: str, entry: Entry) -> dict[str, Any]:
    """It is given the names of variables, and expands nothing."""
    made = _plain(work, client, entry, None)
    if entry.key is not None:
        made["bearer_token_env_var"] = entry.key.name
    if entry.argv and entry.variables:
        made["env_vars"] = [variable.name for variable in entry.variables]
    return {**made, "enabled_tools": list(entry.functions)}


_MAKERS: Mapping[str, Callable[[Work, str, Entry], dict[str, Any] | None]] = {
    "vscode": _vscode, "cursor": _cursor, "claude-code": _claude_code, "windsurf": _windsurf, "zed": _zed,
    "gemini-cli": _gemini_cli, "codex": _codex,
}


def _plain(
    work: Work, client: str, entry: Entry, expansion: Callable[[str], str] | None, *, url: str = "url",
    stdio: str | None = None, http: str | None = None,
) -> dict[str, Any]:
    """What nearly all have in common; `expansion` is how a variable is written."""
    made: dict[str, Any] = {}
    if entry.url is not None:
        if http is not None:
            made["type"] = literal(http)
        made[url] = _safe(work, client, entry.url)
        if entry.key is not None and expansion is not None:
            key = entry.key.name.express(lambda name: f"Bearer {expansion(name)}")
            made["headers"] = {"Authorization": key}
        return made
    if stdio is not None:
        made["type"] = literal(stdio)
    command, *args = (_safe(work, client, word) for word in entry.argv)
    made |= {"command": command, "args": args}
    if entry.variables and expansion is not None:
        made["env"] = {one.name.value: one.name.express(expansion) for one in entry.variables}
    return made


def _safe(work: Work, client: str, text: Sourced[str]) -> Sourced[str]:
    """A text in which the client expands nothing; there is no way to write one that it would."""
    signs = data("clients.json")[client].get("expands")
    if signs is not None and re.search(signs, text.value):
        place = next((source.path for source in text.sources if isinstance(source, At)), None)
        options = work.lowering.options
        at = place or (options.at("clients") if options is not None else ("target", "mcp"))
        work.error(at, f"{client} would put a variable in the place of `$`", text.value[:60], "write it without `$`")
    return text


def _inputs(entries: list[Entry]) -> dict[str, Any]:
    """VS Code asks for each value once, and keeps it."""
    asked: dict[str, dict[str, Any]] = {}
    for entry in entries:
        for one in (*entry.variables, *([entry.key] if entry.key is not None else [])):
            asked.setdefault(one.name.value, {
                "type": literal("promptString"), "id": one.name,
                "description": one.name.express(lambda name: f"The value of {name}"),
                "password": Sourced(one.secret is not None, one.name.sources, raw=True),
            })
    return {"inputs": list(asked.values())} if asked else {}
