"""Addresses of models that are known only where the server runs: `base_urls` in `custom_data` names their variables."""

from __future__ import annotations

import os

from nemoguardrails import LLMRails


def init(app: LLMRails) -> None:
    """Called before the models are made."""
    variables = app.config.custom_data.get("base_urls", {})
    for model in app.config.models:
        if model.type in variables:
            model.parameters["base_url"] = os.environ[variables[model.type]]
