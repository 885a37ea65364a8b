"""Docker Compose itself reads what is compiled, and refuses broken twins."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from llmops.compiler.emit.escapes import CANARIES
from tests.targets.compose.kit import content, project
from tests.tools.toolbox import check_jsonschema, compose_config, require_tool, run_tool

FILES = sorted(Path(__file__).parent.glob("cases/*/expected/**/compose.yaml"))
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+):\?\}")


def variables(text: str) -> dict[str, str]:
    return dict.fromkeys(VARIABLE.findall(text), "value")


@pytest.mark.tools
@pytest.mark.parametrize("file", FILES, ids=[f.relative_to(Path(__file__).parent).parts[1] for f in FILES])
def test_compose_accepts_each_case(file: Path) -> None:
    done = compose_config(file, variables(file.read_text()))
    assert done.ok, done
    shape = check_jsonschema([file], builtin="compose-spec")
    assert shape.ok, shape


@pytest.mark.tools
@pytest.mark.parametrize("name", ["HF_TOKEN", "LITELLM_MASTER_KEY"])
def test_a_variable_that_is_missing_is_refused(name: str) -> None:
    file = next(f for f in FILES if "stack" in f.parts)
    given = variables(file.read_text())
    del given[name]
    done = compose_config(file, given)
    assert not done.ok
    assert name in done.output


@pytest.mark.tools
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("service_healthy", "service_well"),
        ("    depends_on:\n      answerer:", "    depends_on:\n      nobody:"),
        ("    image: ", "    imgae: "),
        ("source: answerer_cache", "source: another_cache"),
        ('mem_limit: "64gb"', 'mem_limit: "64 rooms"'),
        ('stop_grace_period: "120s"', 'stop_grace_period: "soon"'),
        ("driver: nvidia", "drivers: nvidia"),
    ],
)  # fmt: skip
def test_broken_twins_are_refused(tmp_path: Path, old: str, new: str) -> None:
    text = next(f for f in FILES if "stack" in f.parts).read_text()
    assert old in text
    twin = tmp_path / "compose.yaml"
    twin.write_text(text.replace(old, new, 1))
    assert not compose_config(twin, variables(text)).ok


@pytest.mark.tools
def test_texts_of_a_config_arrive_as_they_are(tmp_path: Path) -> None:
    """Each canary as a variable, a word of the command and a label: nothing in it is replaced by Compose."""
    texts = [text for text in CANARIES if not project(deployment__a=service([text])).failed]
    assert len(texts) > len(CANARIES) * 0.7
    file = tmp_path / "compose.yaml"
    file.write_bytes(content(project(deployment__a=service(texts))))
    program = require_tool("docker-compose")
    done = run_tool([program, "-f", file, "config", "--format", "json"], tmp_path, {"HOME": "/nowhere"})
    assert done.ok, done
    read = json.loads(done.output[done.output.index("{") :])["services"]["a"]
    # `config` writes a file that can be read again: dollars stand twice in it, as in ours.
    plain = [text.replace("$$", "$") for text in read["command"]]
    assert plain == texts
    assert [read["environment"][f"V{n}"].replace("$$", "$") for n in range(len(texts))] == texts
    assert [read["labels"][f"l{n}"].replace("$$", "$") for n in range(len(texts))] == texts


def service(texts: list[str]) -> str:
    return json.dumps({
        "image": "a:1", "command": texts, "env": {f"V{n}": text for n, text in enumerate(texts)},
        "labels": {f"l{n}": text for n, text in enumerate(texts)},
    })  # fmt: skip


