"""What Compose has no word for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from llmops.compiler.model.sourced import Sourced
from llmops.compiler.model.target import Unsupported
from llmops.compiler.model.view import View

FIELDS = {
    "rollout": "it replaces containers at once",
    "roles": "it runs one container of each deployment",
    "chart": "it reads no Helm charts",
    "schedule": "it runs containers all the time",
    "region": "it runs on the machine that it is called on",
    "sku": "nothing is rented",
    "capacity_tpm": "nothing is rented",
    "timeout": "it does not see requests",
}
OWN_NETWORK = "default"
ELSEWHERE = "choose a platform that has it, or leave it out where this one is used"


def replicas(deployment: View[Any]) -> Sourced[int] | None:
    """How many containers, where several are possible: not on one port of the host, not on the same accelerators."""
    number = deployment.maybe_integer("replicas")
    if number is None or number.value == 1 or _why_one(deployment):
        return None
    return number


def unsupported(deployment: View[Any]) -> Iterator[Unsupported]:
    for field, why in FIELDS.items():
        if deployment.has(field):
            yield Unsupported(deployment.at(field), why, ELSEWHERE)
    access = deployment.maybe_text("access")
    if access is not None and access.value == "signed_in":
        yield Unsupported(deployment.at("access"), "it asks nobody to sign in", "put a gateway in front")
    balance = deployment.maybe_text("balance")
    if balance is not None and balance.value != "round_robin":
        yield Unsupported(deployment.at("balance"), "its network gives requests to containers in turn", ELSEWHERE)
    for index, network in enumerate(deployment.tree("networks") or ()):
        if network.value == OWN_NETWORK:
            yield Unsupported(deployment.at("networks", index), "the project's own network has that name")
    number = deployment.maybe_integer("replicas")
    if number is None and deployment.has("replicas"):
        yield Unsupported(deployment.at("replicas"), "it does not follow the load", "say one number")
    elif number is not None and number.value != 1 and _why_one(deployment):
        yield Unsupported(deployment.at("replicas"), _why_one(deployment), ELSEWHERE)


def _why_one(deployment: View[Any]) -> str:
    if deployment.has("container_name"):
        return "a name leads to one container"
    if deployment.has("publish"):
        return "one port of the machine leads to one container"
    if deployment.has("hardware", "pool"):
        return "its containers would share the same accelerators"
    return ""
