"""Served flows over HTTP: `python web.py DEPLOYMENT --port 8123`, or `app` for LangGraph's server."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from graphs import told  # isort: skip  (it says where the package stands)

from agent_graphs.web import main, make

app = make(told, told.data["served"])

if __name__ == "__main__":
    main(told)
