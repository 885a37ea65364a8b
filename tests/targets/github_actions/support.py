"""Repositories with compiled workflows in them, and stand-ins for the programs that a run calls."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmops.compiler.driver import Compilation, compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from tests.targets.test_cases import project_files
from tests.tools import running, toolbox
from tests.tools.toolbox import ToolResult

CASES = Path(__file__).parent / "cases"
REPOSITORY = "shop/app"


def compiled(files: Mapping[str, bytes | str]) -> Compilation:
    result = compile_project(Memory(files), Request())
    assert [(d.code, d.message) for d in result.diagnostics if d.severity == "error"] == []
    return result


def workflows(result: Compilation) -> dict[str, str]:
    return {e.path: e.content.decode() for e in result.emitted if e.target == "github-actions"}


def write(folder: Path, files: Mapping[str, bytes | str]) -> list[Path]:
    """The project and all that it compiles to; the paths of its workflows."""
    result = compiled(files)
    made = {e.path: e.content for e in result.emitted}
    for name, data in {**files, **made}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    return [folder / path for path in workflows(result)]


def case(name: str, folder: Path, more: Mapping[str, bytes | str] | None = None) -> Path:
    """A case as a repository with one commit, and a remote, from which act learns the repository's name."""
    (workflow,) = pipelines(name, folder, more).values()
    return workflow


def pipelines(name: str, folder: Path, more: Mapping[str, bytes | str] | None = None) -> dict[str, Path]:
    """As `case`, with several workflows by the ends of their names."""
    found = write(folder, {**project_files(CASES / name), **(more or {})})
    toolbox.make_git_repo(folder)
    git(folder, "remote", "add", "origin", f"https://github.com/{REPOSITORY}.git")
    return {path.stem.rpartition("-")[2]: path for path in found}


def git(folder: Path, *arguments: str) -> str:
    with toolbox.own_home() as home:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
        done = toolbox.run_tool(["git", *who, *arguments], folder, home=home)
    assert done.ok, done
    return done.output.strip()


def pull_request(base: str = "", head: str = REPOSITORY) -> dict[str, Any]:
    """The event of a pull request from the repository `head`."""
    return {
        "pull_request": {"number": 7, "base": {"sha": base}, "head": {"repo": {"full_name": head}}},
        "repository": {"full_name": REPOSITORY},
    }


def program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def fake_gh(folder: Path, answers: Mapping[str, Any]) -> Path:
    """A `gh` that answers by a word of its arguments, and keeps what it was called with and given."""
    for word, answer in answers.items():
        (folder / f"{word}.json").parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{word}.json").write_text(json.dumps(answer))
    cases = "\n".join(f'  *{word}*) cat "{folder}/{word}.json" ;;' for word in answers)
    text = f"""#!/bin/bash
echo "$GH_TOKEN $*" >> "{folder}/calls"
case "$*" in
  *--method*) cat > "{folder}/sent.json" ;;
{cases}
  *) echo "not found" >&2; exit 1 ;;
esac
"""
    program(folder, "gh", text)
    return folder


@dataclass(frozen=True, slots=True)
class Tools:
    """Folders with stand-ins: programs for the path, for setup-python, and a setup-node that changes nothing."""

    path: Path
    python: Path
    node: Path

    def run(self, workflow: Path, event: str, path: Sequence[Path] = (), **more: Any) -> ToolResult:
        """Run a workflow with them."""
        stubs = running.stubs_for(workflow)
        stubs |= {uses: self.node for uses in stubs if "/setup-node@" in uses}
        return running.act_run(
            workflow, workflow.parents[2], event, stubs, python_bin=self.python, path=[*path, self.path], **more
        )


def fake_tools(folder: Path, verdicts: Mapping[str, int]) -> Tools:
    """Stand-ins for what a job installs.

    `npm ci` lays in a promptfoo whose exit code `verdicts` says by the name of an eval; `litellm` answers anything.
    """
    codes = "\n".join(f"  *eval*/{name}.yaml*) exit {code} ;;" for name, code in verdicts.items())
    promptfoo = f"""#!/bin/bash
echo "promptfoo $1"
case "$*" in
  validate*) exit 0 ;;
{codes}
esac
"""
    program(folder / "made", "promptfoo", promptfoo)
    install = f"""#!/bin/bash
bin="$3/node_modules/.bin"
mkdir -p "$bin" && cp "{folder}/made/promptfoo" "$bin/promptfoo"
"""
    program(folder / "path", "npm", install)
    server = """#!/usr/bin/python3
import http.server, itertools, json, sys
numbers = itertools.count()
class Yes(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = {"choices": [{"message": {"role": "assistant", "content": f"answer {next(numbers)}"}}]}
        self.do_GET()
        self.wfile.write(json.dumps(body).encode())
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.ThreadingHTTPServer(("127.0.0.1", port), Yes).serve_forever()
"""
    program(folder / "python", "litellm", server)
    program(folder / "python", "python", "#!/bin/bash\necho \"python $*\"\n")
    action = """\
name: nothing
description: does nothing
runs:
  using: composite
  steps:
    - {run: 'true', shell: bash}
"""
    (folder / "node").mkdir()
    (folder / "node" / "action.yml").write_text(action)
    return Tools(folder / "path", folder / "python", folder / "node")
