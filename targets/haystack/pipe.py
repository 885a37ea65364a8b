"""A pipeline while it is put together: components, what connects them, and what comes in and goes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from llmops.compiler.model.exports import Variable
from llmops.compiler.model.finding import Finding, Label, Severity
from llmops.compiler.model.keys import Address, KeyPath
from llmops.compiler.model.sourced import Sourced, literal, merge
from llmops.compiler.model.sources import At, Source, Span
from llmops.compiler.model.target import Lowering, Refusal, Unsupported
from llmops.targets.haystack.known import full_name, ours


@dataclass(slots=True)
class Pipe:
    """`needs` are the gateways and deployments that must answer, `variables` what the pipeline reads."""

    lowering: Lowering
    near: str | None = None
    components: dict[str, Any] = field(default_factory=dict)
    connections: list[dict[str, Any]] = field(default_factory=list)
    inputs: dict[str, list[Sourced[str]]] = field(default_factory=dict)
    outputs: dict[str, Sourced[str]] = field(default_factory=dict)
    problems: list[Finding | Unsupported] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    settings: dict[str, Sourced[str]] = field(default_factory=dict)
    needs: list[Address] = field(default_factory=list)
    servers: list[Any] = field(default_factory=list)
    """Tool servers that are started with it."""
    code: list[Sourced[str]] = field(default_factory=list)
    """Files of the project whose functions it runs."""
    shipped: list[tuple[Source, ...]] = field(default_factory=list)
    """Why it has components that the target brings itself, once for each."""

    def inside(self) -> Pipe:
        """A pipeline inside: what it reads, needs and cannot do is this one's too."""
        return Pipe(
            self.lowering, self.near, problems=self.problems, variables=self.variables, settings=self.settings,
            needs=self.needs, servers=self.servers, code=self.code, shipped=self.shipped,
        )

    # --- parts ------------------------------------------------------------------------------------------------------

    def add(self, name: str, kind: str, parameters: dict[str, Any], why: Sourced[Any] | None = None) -> str:
        """A component, unless it is there already; its name. `why` is what it is there for, with all its lines."""
        if name not in self.components:
            made = component(kind, parameters)
            if ours(kind):
                self.shipped.append(why.sources if why is not None else ())
            self.components[name] = made if why is None else Sourced(made, why.sources, raw=True)
        return name

    def connect(self, sender: str, receiver: str, why: Sourced[Any] | None = None) -> None:
        sources = _said(why)
        link = {"sender": Sourced(sender, sources, raw=True), "receiver": Sourced(receiver, sources, raw=True)}
        if not any(_same(link, other) for other in self.connections):
            self.connections.append(link)

    def takes(self, name: str, receiver: str, why: Sourced[Any] | None = None) -> None:
        """An input goes to a socket. Each socket is named once, whoever asked."""
        targets = self.inputs.setdefault(name, [])
        if all(target.value != receiver for target in targets):
            targets.append(Sourced(receiver, _said(why), raw=True))

    def body(self) -> dict[str, Any]:
        made: dict[str, Any] = {"components": self.components, "connections": self.connections}
        if self.inputs:
            made["inputs"] = self.inputs
        if self.outputs:
            made["outputs"] = self.outputs
        return made

    @property
    def failed(self) -> bool:
        """Whether there can be no such pipeline."""
        return any(isinstance(p, Finding) and p.severity == Severity.ERROR for p in self.problems)

    # --- what hinders -----------------------------------------------------------------------------------------------

    def unsupported(self, at: KeyPath | Span, why: str, cure: str = "") -> None:
        if not any(isinstance(p, Unsupported) and p.at == at for p in self.problems):
            self.problems.append(Unsupported(at, why, cure))

    def error(self, at: KeyPath | Span, message: str, label: str = "", cure: str = "") -> None:
        """What cannot be left out without changing what the flow does."""
        if not any(isinstance(p, Finding) and p.labels[0].at == at for p in self.problems):
            labels = (Label(at, label, primary=True),)
            self.problems.append(Finding(message, labels, help=(cure,) if cure else (), severity=Severity.ERROR))

    def express(self, text: Sourced[str], function: Any) -> Sourced[str]:
        """A text in another language; one that has no writing there is reported."""
        try:
            made: Sourced[str] = text.express(function)
        except Refusal as refusal:
            place = next((s.path for s in reversed(text.sources) if isinstance(s, At)), None)
            if place is not None:
                self.error(place, f"Haystack cannot take this text: {refusal}")
            return Sourced("", text.sources, raw=True)
        return made

    # --- what it reads ----------------------------------------------------------------------------------------------

    def secret(self, variable: Variable, strict: bool = True) -> dict[str, Any]:
        """A secret as Haystack writes one: the variable that holds it."""
        self.reads(variable)
        name = variable.name
        return {"type": "env_var", "env_vars": [Sourced(name.value, name.sources, raw=True)], "strict": strict}

    def reads(self, variable: Variable) -> None:
        if all(v.name.value != variable.name.value for v in self.variables):
            self.variables.append(variable)

    def must_answer(self, address: Address) -> None:
        if address not in self.needs:
            self.needs.append(address)


def component(kind: str, parameters: dict[str, Any], why: Sourced[Any] | None = None) -> dict[str, Any]:
    """A component, or what stands as one in the parameters of another. `why` is what its kind follows from."""
    named = Sourced(full_name(kind), why.sources if why is not None else (), raw=True)
    kept = {name: value for name, value in parameters.items() if value is not None}
    return {"type": named, "init_parameters": kept}


def because(tree: Any, reason: Sourced[Any] | None) -> Any:
    """A tree that stands here because of what a reference names: each leaf has that origin as well."""
    if reason is None:
        return tree
    return _because(tree, reason.sources)


def _because(tree: Any, sources: tuple[Source, ...]) -> Any:
    if isinstance(tree, dict):
        return {key: _because(value, sources) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_because(value, sources) for value in tree]
    if isinstance(tree, Sourced):
        return Sourced(tree.value, merge(tree.sources, sources), tree.raw)
    return Sourced(tree, sources, raw=True)


def _said(why: Sourced[Any] | None) -> tuple[Source, ...]:
    """The places that say where a value comes from; what is bound by its name alone says nothing."""
    sources = why.sources if why is not None else ()
    return tuple(s for s in sources if not (isinstance(s, At) and s.path[2:3] == ("inputs",)))


def _same(link: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(link[end].value == other[end].value for end in link)


__all__ = ["Pipe", "because", "component", "literal"]
