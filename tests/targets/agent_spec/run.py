"""Open Agent Spec's own loader and a runtime of it, run by the Python of their environment.

Jobs come from standard input as JSON. `{load: text}` is read by the standard's deserializer; `{run: text, inputs, say}`
by WayFlow, which runs the flow, or says the words to the agent. Secrets are references to variables: `registry` has
their values. Of each job it is written what came out, or the error.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from typing import Any

from pyagentspec.serialization import AgentSpecDeserializer
from wayflowcore.agentspec import AgentSpecLoader
from wayflowcore.executors.executionstatus import FinishedStatus, ToolExecutionConfirmationStatus
from wayflowcore.mcp import authless_mcp_enabled

TOOLS = {"search_policies": lambda query: [f"passage on {query}", "worn shoes stay"]}


def load(job: dict[str, Any]) -> dict[str, Any]:
    made = AgentSpecDeserializer().from_yaml(job["load"], components_registry=job.get("registry"))
    return {"type": type(made).__name__, "name": made.name}


def run(job: dict[str, Any]) -> dict[str, Any]:
    with authless_mcp_enabled():  # of a server on this machine
        made = AgentSpecLoader(tool_registry=TOOLS).load_yaml(job["run"], components_registry=job.get("registry"))
    conversation = made.start_conversation(inputs=job.get("inputs") or {})
    for words in job.get("say", ()):
        conversation.append_user_message(words)
    status = conversation.execute()
    if isinstance(status, FinishedStatus):
        return {"outputs": status.output_values}
    if isinstance(status, ToolExecutionConfirmationStatus):
        return {"asks": [{"name": r.name, "args": r.args} for r in status.tool_requests]}
    last = conversation.get_last_message()
    return {"said": "" if last is None else last.content}


def main() -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    found = []
    for job in json.load(sys.stdin):
        try:
            found.append(load(job) if "load" in job else run(job))
        except Exception as error:
            found.append({"error": f"{type(error).__name__}: {error}"[:2000]})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
