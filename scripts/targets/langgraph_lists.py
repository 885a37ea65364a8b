#!/usr/bin/env python3
"""Take the closed lists of langgraph.json from LangGraph's command line: `targets/langgraph/data/keys.json`.

    <environment>/bin/python scripts/targets/langgraph_lists.py

Run it with the Python of an environment that holds `langgraph-cli` in the version of the target's lock. It only warns
of unknown keys at the top, and takes those below without a word.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / "targets" / "langgraph" / "data" / "keys.json"
BELOW = {"store": "StoreConfig", "checkpointer": "CheckpointerConfig", "http": "HttpConfig", "auth": "AuthConfig"}


def main() -> None:
    from langgraph_cli import config, schemas

    lists = {
        "source": f"pypi:langgraph-cli=={version('langgraph-cli')}, by scripts/targets/langgraph_lists.py",
        "root": sorted(key for key in config._KNOWN_CONFIG_KEYS if not key.startswith("_")),
        "below": {key: sorted(getattr(schemas, name).__annotations__) for key, name in BELOW.items()},
    }
    TARGET.write_text(json.dumps(lists, indent=1) + "\n")


if __name__ == "__main__":
    main()
