"""What answers where the guardrails let a message pass: the app itself, called as `custom_data` of config.yml says."""

from __future__ import annotations

import asyncio
import json
import os
import re
import urllib.request
from typing import Any

from nemoguardrails import RailsConfig
from nemoguardrails.actions import action
from nemoguardrails.actions.actions import ActionResult
from nemoguardrails.context import streaming_handler_var
from nemoguardrails.utils import new_event_dict

NAME = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


def filled(body: Any, values: dict[str, Any]) -> Any:
    """The body with the values in the place of `{{ name }}`; a text that is nothing else becomes the value itself."""
    if isinstance(body, dict):
        made = {key: filled(item, values) for key, item in body.items()}
        return {key: item for key, item in made.items() if item is not None}
    if isinstance(body, list):
        return [filled(item, values) for item in body]
    if not isinstance(body, str):
        return body
    whole = NAME.fullmatch(body)
    if whole:
        return values.get(whole[1])
    return NAME.sub(lambda found: str(values.get(found[1], "")), body)


def found(reply: Any, path: str) -> Any:
    """What stands in the reply below keys joined by dots; None where nothing does."""
    for key in path.split("."):
        if isinstance(reply, list) and key.isdigit() and int(key) < len(reply):
            reply = reply[int(key)]
        elif isinstance(reply, dict):
            reply = reply.get(key)
        else:
            return None
    return reply


def called(app: dict[str, Any], values: dict[str, Any]) -> Any:
    """The reply of the app."""
    url = os.environ[app["base"]].rstrip("/") + app["url"] if "base" in app else app["url"]
    headers = {"Content-Type": "application/json"}
    if "key" in app:
        headers["Authorization"] = f"Bearer {os.environ[app['key']]}"
    body = json.dumps(filled(app["body"], values)).encode()
    request = urllib.request.Request(url, body, headers, method=app["method"])
    with urllib.request.urlopen(request, timeout=app.get("timeout", 600)) as answer:
        return json.loads(answer.read())


def texts(passages: Any) -> list[str]:
    """The texts of retrieved passages, which come as texts or as maps that hold them."""
    several = passages if isinstance(passages, list) else [] if passages is None else [passages]
    return [one.get("content") or one.get("text") or json.dumps(one) if isinstance(one, dict) else str(one)
            for one in several]


@action(name="generate_user_intent", is_system_action=True)
async def generate_user_intent(context: dict[str, Any], config: RailsConfig, **_: Any) -> ActionResult:
    """In the place of NeMo's own answer: the message has passed the input rails, and may have been redacted."""
    app = config.custom_data["app"]
    values = {**context, app.get("message", "question"): context["user_message"]}
    reply = await asyncio.to_thread(called, app, values)
    answer = found(reply, app["answer"]) if "answer" in app else reply
    text = answer if isinstance(answer, str) else json.dumps(answer)
    passages = texts(found(reply, app["passages"])) if "passages" in app else []
    handler = streaming_handler_var.get()
    if handler is not None:
        await handler.push_chunk(text)
    return ActionResult(
        events=[new_event_dict("BotMessage", text=text)],
        context_updates={"passages": passages, "relevant_chunks": "\n".join(passages), "check_facts": True},
    )
