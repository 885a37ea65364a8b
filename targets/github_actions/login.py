"""Logging in to clouds with the identity that Actions gives a job, without a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.derive.route import outside_variable
from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.view import Node
from llmops.targets.github_actions.plan import Job
from llmops.targets.github_actions.work import Work

CLOUDS: dict[str, tuple[str, str, dict[str, str], tuple[str, ...]]] = {
    "aws": (
        "AWS", "aws-actions/configure-aws-credentials", {"role": "role-to-assume", "region": "aws-region"}, ("region",)
    ),
    "azure": (
        "Azure", "azure/login", {"role": "client-id", "tenant": "tenant-id", "account": "subscription-id"}, ("tenant",),
    ),
    "gcp": (
        "Google Cloud", "google-github-actions/auth",
        {"role": "service_account", "provider": "workload_identity_provider", "account": "project_id"}, ("provider",),
    ),
}  # fmt: skip
"""Title, action, our fields to its inputs, and the fields that it needs beside the role."""
FIELDS = ("role", "provider", "tenant", "account", "region")


def clouds(work: Work, job: Job) -> list[Node]:
    """The clouds that a job logs in to: one that deploys, one whose stage names its environment, and one that calls a
    model by the machine's identity."""
    login = list(work.pipeline.entries("login"))
    wanted = job.releases or job.stage.has("environment") or _by_identity(job)
    return login if login and wanted else []


def _by_identity(job: Job) -> bool:
    project = job.reader.project
    named = {one for task in job.tasks for one in (task.address, *task.check.services)}
    for address in dict.fromkeys(one for start in sorted(named) for one in (start, *project.dependencies(start))):
        view = job.reader.view(address) if address.kind == "model" else None
        auth = view.maybe_text("endpoint", "auth") if view is not None else None
        if auth is not None and auth.value == "identity":
            return True
    return False


def check_login(work: Work) -> None:
    """Say once what of `login` has no effect."""
    for cloud in work.pipeline.entries("login"):
        title, _, fields, needed = CLOUDS[cloud.name]
        for field in FIELDS:
            if cloud.has(field) and field not in fields:
                work.cannot(cloud, (field,), f"the login of {title} asks for no {field}")
            elif field in needed and not cloud.has(field):
                work.cannot(cloud, (), f"the login of {title} needs `{field}` as well")


def steps(work: Work, found: list[Node]) -> Iterator[dict[str, Any]]:
    for cloud in found:
        title, action, fields, _ = CLOUDS[cloud.name]
        inputs = {name: value for field, name in fields.items() if (value := _outside(cloud, field)) is not None}
        if cloud.name == "azure" and not cloud.has("account"):
            inputs["allow-no-subscriptions"] = Sourced(True)
        yield {"name": f"Log in to {title}", "uses": work.action(action), "with": inputs}


def _outside(cloud: Node, field: str) -> Sourced[Any] | None:
    text = cloud.maybe_text(field)
    if text is not None:
        return text
    found = outside_variable(cloud, field)
    return None if found is None else found.name.express(lambda name: f"${{{{ vars.{name} }}}}")
