"""Values that are known outside only, and the environment of each container.

Secrets and `{variable: …}` become `${NAME:?}`: Compose then refuses to start without them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from llmops.compiler.derive.route import outside_variable
from llmops.compiler.derive.secrets import variable
from llmops.compiler.emit.escapes import dollar
from llmops.compiler.model.exports import Service, Variable
from llmops.compiler.model.keys import Key
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Lowering
from llmops.compiler.model.view import Node, View
from llmops.targets.compose.placed import placed, runs

LOCAL = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Value:
    """A text of the file, and the variable that it needs when it is read, if it does."""

    text: Sourced[str]
    needs: Variable | None = None


def expression(name: str) -> str:
    return f"${{{name}:?}}"


def of_variable(lowering: Lowering, found: Variable) -> Value:
    """A container reads a secret under the name that its program knows; outside it has the secret's own name."""
    secret = lowering.reader.view(found.secret) if found.secret is not None else None
    if secret is None or not secret.has("variable"):
        return Value(found.name.express(expression), found)
    own = variable(secret, "")
    return Value(own.express(expression).because(found.name), Variable(own.because(found.name), found.secret))


def outside(node: Node, *keys: Key) -> Value | None:
    """A value of the config that may be known outside only."""
    found = outside_variable(node, *keys)
    if found is not None:
        return Value(found.name.express(expression), found)
    value = node.get(*keys)
    return None if value is None else Value(value.map(as_text))


def as_text(value: Any) -> str:
    """As a variable of the environment has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def environment(lowering: Lowering, deployment: View[Any], service: Service | None) -> dict[str, Value]:
    """What a container's variables hold: what the deployment says itself wins."""
    found: dict[str, Value] = {}
    for read in reads(deployment, service):
        found[read.name.value] = of_variable(lowering, read)
    for name, text in (service.settings if service else {}).items():
        found[name] = Value(text)
    found.update(_proxy(lowering))
    for name in deployment.value.get("env") or {}:
        value = outside(deployment, "env", name)
        if value is not None:
            found[name] = value
    return found


def reads(deployment: View[Any], service: Service | None) -> Iterator[Variable]:
    """What its program reads, and the secrets that it lists and the engine does not know of."""
    known = service.variables if service is not None else ()
    yield from known
    covered = {one.secret for one in known}
    yield from (one for one in own_secrets(deployment) if one.secret not in covered)


def own_secrets(deployment: View[Any]) -> Iterator[Variable]:
    """The secrets that a deployment lists, under the names that its engine reads them by."""
    engine = deployment.maybe_text("engine")
    for entry in deployment.entries("secrets"):
        secret = entry.ref()
        if secret is not None:
            name = variable(secret, engine.value if engine is not None else "compose")
            yield Variable(name.because(entry.get()), secret.address)


def _proxy(lowering: Lowering) -> Iterator[tuple[str, Value]]:
    """Programs differ in which spelling they read, so both stand there; other containers are reached directly."""
    proxy = lowering.reader.environment.node("proxy")
    if proxy is None:
        return
    for field in ("http", "https"):
        address = outside(proxy, field)
        if address is not None:
            yield f"{field.upper()}_PROXY", address
            yield f"{field}_proxy", address
    beside = [deployment.address.name for deployment in placed(lowering)]
    hosts = proxy.get("none") or Sourced([], ())
    direct = Value(hosts.map(lambda given: ",".join(dict.fromkeys([*given, *LOCAL, *beside]))))
    yield "NO_PROXY", direct
    yield "no_proxy", direct


def registry(lowering: Lowering) -> Value | None:
    """Where images are pulled from in place of their own registries."""
    return outside(lowering.reader.environment, "registry")


def pulled(lowering: Lowering, image: Sourced[str]) -> Sourced[str]:
    """An image by the name that this environment pulls it by."""
    prefix = registry(lowering)
    if prefix is None:
        return image
    start = prefix.text.value if prefix.text.raw else dollar(prefix.text.value)
    name = image if image.raw else image.express(dollar)
    return name.express(lambda text: f"{start}/{_path(text)}").because(prefix.text)


def _path(image: str) -> str:
    """An image's name without its registry: a first part that is a host has a dot or a port."""
    first, slash, rest = image.partition("/")
    return rest if slash and ("." in first or ":" in first or first == "localhost") else image


def needed(lowering: Lowering) -> tuple[Variable, ...]:
    """All variables that reading the file needs, once each."""
    values: list[Value] = []
    for deployment in placed(lowering):
        values.extend(environment(lowering, deployment, runs(lowering, deployment)).values())
    prefix = registry(lowering)
    return _once(value.needs for value in [*values, *([prefix] if prefix else [])])


def _once(found: Iterable[Variable | None]) -> tuple[Variable, ...]:
    by_name: dict[str, Variable] = {}
    for variable_ in found:
        if variable_ is not None:
            by_name.setdefault(variable_.name.value, variable_)
    return tuple(by_name.values())


