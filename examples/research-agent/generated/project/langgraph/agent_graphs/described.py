"""The file that describes agents and flows, and what all graphs of it share: servers of tools, guardrails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent_graphs.guards import Guards
from agent_graphs.tools import Tools


class Described:
    """`root` is the project, in which its code stands; `repository` the folder in which programs are started."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).resolve()
        self.data: dict[str, Any] = json.loads((self.folder / "app.json").read_text("utf-8"))
        self.root = (self.folder / self.data["root"]).resolve()
        self.repository = (self.folder / self.data.get("repository", self.data["root"])).resolve()
        self.guards = Guards(self.data.get("guards", {}), self.repository)
        self._tools: dict[tuple[str, ...], Tools] = {}

    def tools(self, names: tuple[str, ...]) -> Tools:
        """The functions of these servers: what they offer is looked up once."""
        if names not in self._tools:
            self._tools[names] = Tools({name: self.data["servers"][name] for name in names}, self.repository)
        return self._tools[names]
