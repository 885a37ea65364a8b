"""Ask LiteLLM which request parameters each model's API takes. Run it where that LiteLLM is installed.

    python -m venv env && env/bin/pip install litellm==1.106.2
    env/bin/python scripts/facts/parameters.py > parameters.json

For every chat and embedding model of `data/models/` it answers the accepted parameters, in OpenAI's words, and
under `fixed` a parameter of which LiteLLM refuses every value but one (temperature, where only 1 is taken).
"""

from __future__ import annotations

import json
import logging
import os
import sys
from contextlib import redirect_stdout
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # the map inside the wheel, not one from the network
logging.disable(logging.CRITICAL)

import litellm  # type: ignore[import-not-found]  # noqa: E402
from common import DATA  # noqa: E402
from litellm.utils import get_optional_params  # type: ignore[import-not-found]  # noqa: E402

PROBES = {"temperature": (1, 0.5)}  # a value that every model takes, and one that only a free parameter takes
OWN = frozenset({"extra_headers", "max_retries"})  # LiteLLM's, not the API's


def accepted(provider: str, model: str, mode: str) -> list[str] | None:
    """The parameters that the model takes; None if LiteLLM does not say."""
    kind = "embeddings" if mode == "embedding" else "chat_completion"
    try:
        found = litellm.get_supported_openai_params(model=model, custom_llm_provider=provider, request_type=kind)
    except Exception:  # whatever an untrodden path in there raises, the answer is "unknown"
        return None
    return sorted(set(found) - OWN) if found else None


def takes(provider: str, model: str, parameter: str, value: float) -> bool:
    """Whether LiteLLM passes this value on to the API."""
    try:
        get_optional_params(model=model, custom_llm_provider=provider, **{parameter: value})
    except Exception:
        return False
    return True


def fixed(provider: str, model: str, names: list[str]) -> dict[str, float]:
    """The parameters among `names` that take one value only, with that value."""
    return {
        name: usual
        for name, (usual, other) in PROBES.items()
        if name in names and takes(provider, model, name, usual) and not takes(provider, model, name, other)
    }


def main() -> None:
    """Print the answer for all models as JSON."""
    answers: dict[str, dict[str, dict[str, Any]]] = {}
    with redirect_stdout(sys.stderr):  # LiteLLM prints advice
        for path in sorted((DATA / "models").glob("*.json")):
            for model, row in json.loads(path.read_text(encoding="utf-8"))["rows"].items():
                if row["mode"] in ("chat", "embedding"):
                    names = accepted(path.stem, model, row["mode"])
                    if names:
                        answer: dict[str, Any] = {"params": names}
                        if row["mode"] == "chat" and (one := fixed(path.stem, model, names)):
                            answer["fixed"] = one
                        answers.setdefault(path.stem, {})[model] = answer
    json.dump(answers, sys.stdout, sort_keys=True)


if __name__ == "__main__":
    main()
