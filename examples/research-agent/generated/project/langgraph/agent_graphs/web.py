"""Served flows over HTTP: each at its path, the inputs as a JSON object, the outputs as one.

    python web.py DEPLOYMENT --port 8000      those of a deployment; GET /ok answers when it is up
    langgraph.json: {"http": {"app": "./web.py:app"}}      all of them, beside LangGraph's own API

`web.py` beside app.json is a line or two that call this.

A request body holds the flow's inputs and nothing else. What went wrong inside is for the log, not for the caller.
"""

from __future__ import annotations

import argparse
import json
import traceback
from collections.abc import Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from agent_graphs.budgets import BudgetExceeded
from agent_graphs.described import Described
from agent_graphs.flows import flow

LARGEST = 1 << 20
"""Bytes of a request."""


def make(told: Described, deployments: Mapping[str, Any]) -> Starlette:
    routes = [Route("/ok", ok)]
    for served in deployments.values():
        for path, entry in served.items():
            inputs = told.data["flows"][entry["flow"]]["inputs"]
            routes.append(Route(path, answering(told, entry["flow"], inputs), methods=[entry["method"]]))
    return Starlette(routes=routes)


async def ok(_: Request) -> JSONResponse:
    return JSONResponse({"ok": True})


def answering(told: Described, name: str, inputs: Mapping[str, bool]) -> Any:
    graph = flow(told, name)

    async def answer(request: Request) -> JSONResponse:
        try:
            given = dict(request.query_params) if request.method == "GET" else json.loads(await body(request))
        except ValueError as error:
            return JSONResponse({"error": f"the body is no JSON: {error}"}, 400)
        if not isinstance(given, dict):
            return JSONResponse({"error": "the body is a JSON object of inputs"}, 400)
        unknown = sorted(set(given) - set(inputs))
        missing = sorted(name for name, needed in inputs.items() if needed and name not in given)
        if unknown or missing:
            return JSONResponse({"error": "other inputs are expected", "unknown": unknown, "missing": missing}, 422)
        try:
            result = await graph.ainvoke({"inputs": given})
        except BudgetExceeded:
            return JSONResponse({"error": "the budget of a request is used up"}, 429)
        except TimeoutError:
            return JSONResponse({"error": "it took too long"}, 504)
        except Exception:
            traceback.print_exc()
            return JSONResponse({"error": "it failed"}, 500)
        if "__interrupt__" in result:
            return JSONResponse({"error": "a person must agree, and nobody can be asked here"}, 409)
        return JSONResponse(result["outputs"])

    return answer


async def body(request: Request) -> bytes:
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > LARGEST:
            raise ValueError("it is too long")
    return data


def main(told: Described) -> None:
    import uvicorn

    parser = argparse.ArgumentParser(description="Serve the flows of a deployment.")
    parser.add_argument("deployment")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    served = {options.deployment: told.data["served"][options.deployment]}
    uvicorn.run(make(told, served), host=options.host, port=options.port, log_level="warning")
