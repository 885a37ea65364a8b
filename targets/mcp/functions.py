"""The functions that the server of this target offers: those of tools that say what runs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.route import outside_variable
from llmops.compiler.derive.secrets import variable
from llmops.compiler.derive.tools import Function, functions, returned
from llmops.compiler.model.exports import Variable
from llmops.compiler.model.sourced import Sourced, literal, merge
from llmops.compiler.model.units import seconds
from llmops.compiler.model.view import View
from llmops.schemas.types import TOOL
from llmops.targets.mcp.work import CONSUMER, Work


@dataclass(frozen=True, slots=True)
class Offered:
    """A function as the server is told of it, and the variables that it reads (a secret may be missing: `optional`)."""

    function: Function
    entry: dict[str, Any]
    variables: tuple[Variable, ...]
    optional: bool = False

    @property
    def name(self) -> Sourced[str]:
        return self.function.name

    @property
    def body(self) -> Sourced[dict[str, Any]]:
        """The entry, which stands there because it can be kept what its endpoint asks for."""
        auth = self.function.tool.maybe_text("endpoint", "auth") if self.function.tool.has("endpoint") else None
        return Sourced(self.entry, () if auth is None else auth.sources, raw=True)


def offered(work: Work) -> Iterator[Offered]:
    """All functions of the environment that this server runs."""
    for tool in work.lowering.reader.of(TOOL):
        found = offer(work, tool)
        if found is not None:
            yield found


def offer(work: Work, tool: View[Any]) -> Offered | None:
    """None for the tools of other servers, and for what could not be run as the tool says."""
    if tool.value.get("mcp") is not None:
        return None
    function = next(functions(tool))
    if not _runs_here(work, tool, function):
        return None
    entry: dict[str, Any] = {"tool": _told(tool, function)}
    if _wrapped(tool):
        entry["wrapped"] = literal(True).because(tool.get("returns"))
    read: list[Variable] = []
    if tool.has("code"):
        name = tool.maybe_text("function") or function.name
        entry["code"] = {"file": tool.text("code"), "function": name}
        if tool.ref("secret") is not None:
            read.append(_secret(tool))
    else:
        entry["endpoint"], read = _endpoint(tool)
    entry.update(bounds(work, tool, function))
    secret = tool.ref("secret")
    return Offered(function, entry, tuple(read), secret is not None and secret.flag("optional").value)


def _runs_here(work: Work, tool: View[Any], function: Function) -> bool:
    """Whether the server can keep what the tool says; a function is not offered under weaker rules than its own."""
    if not tool.has("code") and not tool.has("endpoint"):
        work.unsupported(tool.at("parameters"), "nothing says what runs the function",
                         "give it `code` or an `endpoint`")
        return False
    if tool.has("code") and tool.has("endpoint"):
        work.unsupported(tool.at("endpoint"), "its `code` is called", "keep one of the two")
    if function.approval is not None and function.approval.value == "policy":
        work.unsupported(function.node.at("approval"), "no policy decides there, so the function is not offered",
                         "say `human`: the client asks its user")
        return False
    if tool.has("sandbox") and tool.has("code"):
        work.unsupported(tool.at("sandbox"), "code runs in the server itself, so the function is not offered",
                         "put it behind an `endpoint` that runs in the sandbox")
        return False
    if not tool.has("code") and tool.maybe_text("endpoint", "auth") is not None:
        auth = tool.text("endpoint", "auth").value
        if auth == "identity":
            work.unsupported(tool.at("endpoint", "auth"), "it has no identity to show, so the function is not offered")
            return False
        if auth == "secret" and tool.ref("secret") is None:
            work.unsupported(tool.at("endpoint", "auth"), "no secret is named, so the function is not offered",
                             "name it: `secret: …`")
            return False
    return True


def _told(tool: View[Any], function: Function) -> dict[str, Any]:
    """What clients are told, in the protocol's own words."""
    told: dict[str, Any] = {"name": function.name}
    if function.description is not None:
        told["description"] = function.description
    told["inputSchema"] = function.schema
    returns = returned(tool)
    if returns is not None:
        told["outputSchema"] = _answer(returns) if _wrapped(tool) else returns
    told["annotations"] = hints(function, tool.get("egress"))
    return told


def hints(function: Function, egress: Sourced[Any] | None) -> dict[str, Any]:
    """Hints for clients. What untrusted people may have written, and what leaves to others, is an open world."""
    made: dict[str, Any] = {"readOnlyHint": function.effects.map(lambda effects: effects == "read")}
    if function.effects.value != "read":
        made["destructiveHint"] = function.effects.map(lambda effects: effects == "destructive")
    open_ = [
        reason for reason, decides in (
            (function.effects, function.effects.value == "external"),
            (function.trust, function.trust.value == "untrusted"), (egress, egress is not None and bool(egress.value)),
        ) if decides and reason is not None
    ]
    reasons: list[Sourced[Any]] = open_ or [function.effects]
    made["openWorldHint"] = Sourced(bool(open_), merge(*(reason.sources for reason in reasons)), raw=True)
    return made


def _wrapped(tool: View[Any]) -> bool:
    """Before 2026 the protocol let a result be an object alone: another one is put into one."""
    returns = tool.value.get("returns")
    return returns is not None and returns.get("type") != "object"


def _answer(returns: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"result": returns}, "required": ["result"]}


def _secret(tool: View[Any]) -> Variable:
    secret = tool.ref("secret")
    assert secret is not None
    return Variable(variable(secret, CONSUMER).because(tool.ref_name("secret")), secret.address)


def _endpoint(tool: View[Any]) -> tuple[dict[str, Any], list[Variable]]:
    outside = outside_variable(tool, "endpoint", "url")
    where = {"url": tool.text("endpoint", "url")} if outside is None else {"variable": outside.name}
    made: dict[str, Any] = {**where, "method": tool.text("endpoint", "method")}
    read = [] if outside is None else [outside]
    auth = tool.maybe_text("endpoint", "auth")
    if tool.ref("secret") is not None and (auth is None or auth.value == "secret"):
        key = _secret(tool)
        made["key"] = key.name if auth is None else key.name.because(auth)
        read.append(key)
    return made, read


def bounds(work: Work, tool: View[Any], function: Function) -> dict[str, Any]:
    """What the server keeps of every call."""
    made: dict[str, Any] = {}
    if function.approval is not None:
        made["approval"] = function.approval
    timeout = tool.maybe_text("timeout")
    if timeout is not None:
        made["timeout"] = timeout.map(seconds)
    retries = tool.maybe_integer("retries")
    if retries is not None:
        made["retries"] = retries
    limits = {
        name: value for name in ("rpm", "parallel") if (value := tool.maybe_integer("limits", name)) is not None
    }
    if limits:
        made["limits"] = limits
    if tool.has("limits", "tpm"):
        work.unsupported(tool.at("limits", "tpm"), "it counts calls, not tokens", "limit the model's gateway")
    return made
