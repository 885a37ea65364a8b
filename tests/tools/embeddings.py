"""The scripted server as a process of the environment that holds real weights: its embeddings are MiniLM's."""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e import fakeai
from tests.tools.toolbox import clean_environment, end_group, own_home, tool_python


@dataclass(frozen=True, slots=True)
class RealEmbeddings:
    """`base_url` ends in `/v1`."""

    base_url: str

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What it was asked, as `FakeAI.requests`."""
        with urllib.request.urlopen(f"{self.base_url.removesuffix('/v1')}/_requests") as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found


@contextlib.contextmanager
def real_embeddings(rules: Sequence[Mapping[str, Any]]) -> Iterator[RealEmbeddings]:
    """Rules as `FakeAI` takes them, on a free port of loopback."""
    with own_home() as home:
        script = home / "rules.json"
        script.write_text(json.dumps({"rules": list(rules), "embeddings": {"encoder": "minilm"}}))
        process = subprocess.Popen(
            [str(tool_python("retrieval")), str(Path(fakeai.__file__)), "--rules", str(script)],
            env=clean_environment(home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            url = process.stdout.readline().decode().strip()
            if not url:
                raise RuntimeError(f"the server did not start; it ended with {process.wait()}")
            yield RealEmbeddings(url)
        finally:
            end_group(process)
