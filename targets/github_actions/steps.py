"""The steps of a job. A `run:` body holds no text of a config: values come in by `env:` and are used quoted."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, StrictUndefined

from llmops.compiler.model.exports import Service, Variable
from llmops.compiler.model.keys import Address
from llmops.compiler.model.sourced import Remark, Sourced, merge
from llmops.compiler.model.target import Lowering

if TYPE_CHECKING:
    from llmops.targets.github_actions.jobs import Job

PYTHON, NODE = "3.11", "24"


def action(lowering: Lowering, name: str) -> Remark:
    """A pinned action: 40 hex digits, its version behind `#`."""
    pin = lowering.facts.action(name)
    return Remark(f"{name}@{pin.commit}", pin.tag)


def set_up(lowering: Lowering, job: Job) -> Iterator[dict[str, Any]]:
    yield {
        "name": "Check out", "uses": action(lowering, "actions/checkout"), "with": {"persist-credentials": False},
    }
    tools = {t for check in job.checks for t in check.tools} | {t for _, s in job.services for t in s.tools}
    if "python" in tools:
        yield {
            "name": "Set up Python", "uses": action(lowering, "actions/setup-python"),
            "with": {"python-version": PYTHON},
        }
    if "node" in tools:
        yield {
            "name": "Set up Node.js", "uses": action(lowering, "actions/setup-node"), "with": {"node-version": NODE},
        }
    installs: dict[tuple[str, ...], None] = {}
    for _, service in job.services:
        installs.update(dict.fromkeys(service.install))
    for check in job.checks:
        installs.update(dict.fromkeys(check.install))
    if installs:
        yield {"name": "Install tools by their lock files", "run": script(shlex.join(i) for i in installs)}


def check_steps(lowering: Lowering, job: Job) -> Iterator[dict[str, Any]]:
    for address, service in job.services:
        yield _start(address, service)
    for address, check in zip(job.about, job.checks, strict=False):
        step: dict[str, Any] = {"name": f"Run {address}", "run": _command(check.argv)}
        env = {**_variables(check.variables), **check.settings}
        if env:
            step["env"] = env
        yield step
    results = [r for check in job.checks for r in check.results]
    if results:
        yield {
            "name": "Keep the results", "if": "${{ always() }}",
            "uses": action(lowering, "actions/upload-artifact"),
            "with": {"name": f"{job.id}-results", "path": script(results), "if-no-files-found": "ignore"},
        }


def _start(address: Address, service: Service) -> dict[str, Any]:
    template = _template("start.sh")
    text = template.render(
        command=shlex.join(str(word.value) for word in service.argv), log=f"{address}.log", health=service.health,
        port=service.port.value,
    )
    sources = merge(*(word.sources for word in service.argv), service.port.sources)
    step: dict[str, Any] = {"name": f"Start {address}", "run": Sourced(text, sources, raw=True)}
    env = {**_variables(service.variables), **service.settings}
    if env:
        step["env"] = env
    return step


def _variables(variables: Iterable[Variable]) -> dict[str, Any]:
    return {
        v.name.value: v.name.express(lambda n, s=v.secret: "${{ " + ("secrets" if s else "vars") + f".{n} }}}}")
        for v in variables
    }


def _command(argv: tuple[Sourced[str], ...]) -> Sourced[str]:
    text = shlex.join(str(word.value) for word in argv)
    return Sourced(text, merge(*(word.sources for word in argv)), raw=True)


def script(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def _template(name: str) -> Any:
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    return environment.from_string(files(__package__).joinpath("templates", name).read_text("utf-8"))
