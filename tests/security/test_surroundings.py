"""What is around a run decides nothing, and is told to nobody: variables, the network, other files."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.security.kit import FILE_PROMPT, MODEL, MODULE, ROOT, everything, project, run
from tests.support.projects import MINIMAL

CANARY = "canary-of-the-environment-5f2a"
VARIABLES = {
    name: f"{CANARY}-{name}"
    for name in (
        "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "LITELLM_MASTER_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "SECRET",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "HF_TOKEN", "USER", "HOSTNAME", "EMAIL", "MODEL", "HYDRA_FULL_ERROR",
        "LLMOPS_CONF", "LLMOPS_ENV",
    )
}  # fmt: skip
EXAMPLE = ROOT / "examples/support-rag"
COMMANDS = (
    ("compile",), ("compile", "--check"), ("compile", "-v"), ("validate",), ("graph",), ("ls",),
    ("compile", "--output-format", "json"), ("compile", "--output-format", "sarif"),
    ("compile", "--output-format", "github"), ("explain", "model.judge"),
)  # fmt: skip
ASKS = {
    MODEL: MINIMAL[MODEL] + "description: ${oc.env:SECRET} $SECRET ${SECRET} %SECRET% {{ env.SECRET }}\n",
    **FILE_PROMPT,
    "p.md": "{{ question }} {{ env.SECRET }} {{ env['SECRET'] }} os.environ/SECRET ${SECRET} $(printenv SECRET) `env`",
}


def copy_of_example(folder: Path) -> Path:
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".llmops", "generated", ".github", "llmops.lock"))
    return folder


def test_no_variable_reaches_an_artifact_or_a_message(tmp_path: Path) -> None:
    folder = copy_of_example(tmp_path / "p")
    for arguments in COMMANDS:
        done = run(*arguments, cwd=folder, **VARIABLES)
        assert (done.code, CANARY in done.text) == (0, False), (arguments, done.err[-500:])
    left = everything(folder)
    assert len([path for path in left if path.startswith("generated/")]) > 10
    assert [path for path, data in left.items() if CANARY.encode() in data] == []


def test_nor_does_a_config_that_asks_for_it(tmp_path: Path) -> None:
    folder = project(tmp_path, ASKS)
    for arguments in COMMANDS[:-1]:
        assert CANARY not in run(*arguments, cwd=folder, **VARIABLES).text
    assert [path for path, data in everything(folder).items() if CANARY.encode() in data] == []


def test_a_run_gives_the_same_with_and_without_variables(tmp_path: Path) -> None:
    bare, full = copy_of_example(tmp_path / "bare"), copy_of_example(tmp_path / "full")
    one, two = run("compile", cwd=bare), run("compile", cwd=full, **VARIABLES)
    assert (one.out, one.err) == (two.out, two.err)
    assert everything(bare) == everything(full)


RECORDER = """
import sys
def note(event, arguments):
    if event in {"socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "urllib.Request"}:
        sys.stderr.write(f"NETWORK {event}\\n")
    if event in {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "ctypes.dlopen"}:
        sys.stderr.write(f"PROCESS {event}\\n")
    if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(("/etc/", "/proc/", "/home/")):
        sys.stderr.write(f"FILE {arguments[0]}\\n")
sys.addaudithook(note)
"""
REMOTE = {
    "conf/prompt/answer.yaml": "messages: [{user: '{{ question }}'}]\nvariables: {question: string}\n"
    "output_schema: {$ref: 'http://127.0.0.1:9/a.json', $schema: 'https://example.com/b.json', $id: 'file:///etc/hosts',"
    " properties: {a: {$ref: 'file:///etc/passwd', pattern: '(a+)+$'}, b: {$dynamicRef: '#x'}}}\n",
    MODEL: MINIMAL[MODEL].replace("provider: openai", "provider: openai-compatible")
    + "endpoint: {url: 'http://127.0.0.1:9/v1'}\n",
}


@pytest.mark.parametrize("name", ["example", "remote"])
def test_no_connection_no_process_and_no_file_of_the_system(tmp_path: Path, name: str) -> None:
    """Python itself reports what is opened, before it is."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(RECORDER)
    folder = copy_of_example(tmp_path / "p") if name == "example" else project(tmp_path / "p", REMOTE)
    for arguments in (*COMMANDS[:6], ("explain", "REF001"), ("schema",), ("targets",), ("rules",)):
        done = run(*arguments, cwd=folder, PYTHONPATH=f"{tmp_path / 'site'}:{ROOT / 'src'}")
        told = [line for line in done.err.splitlines() if line.startswith(("NETWORK", "PROCESS", "FILE"))]
        assert told == [], arguments


def test_the_recorder_records(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(RECORDER)
    script = (
        "import socket, os; open('/etc/passwd'); os.system('true')\n"
        "try: socket.create_connection(('127.0.0.1', 9))\n"
        "except OSError: pass"
    )
    done = run(cwd=tmp_path, command=(sys.executable, "-c", script), PYTHONPATH=str(tmp_path))
    told = [line for line in done.err.splitlines() if line.startswith(("NETWORK", "PROCESS", "FILE"))]
    assert told == ["FILE /etc/passwd", "PROCESS os.system", "NETWORK socket.getaddrinfo", "NETWORK socket.connect"]


def test_it_works_where_there_is_no_network(tmp_path: Path) -> None:
    """As root the network can be taken away for the asking, else by becoming root of a namespace."""
    ways = [("unshare", "-n"), ("unshare", "-r", "-n")] if shutil.which("unshare") else []
    way = next((way for way in ways if run(cwd=tmp_path, command=(*way, "true")).code == 0), None)
    if way is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no right to take the network away")
    folder = project(tmp_path, REMOTE)
    alone, other = run("validate", cwd=folder, command=(*way, *MODULE)), run("validate", cwd=folder)
    assert (alone.code, alone.out, alone.err) == (other.code, other.out, other.err)
