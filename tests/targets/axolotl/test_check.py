"""axolotl's own class takes every file that is compiled; what it passes over the target's closed lists refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from llmops.compiler.driver import compile_project
from llmops.compiler.load.disk import Memory
from llmops.compiler.model.request import Request
from llmops.targets.axolotl.known import check, table
from tests.e2e.training import OFFLINE
from tests.targets.test_cases import HERE, compile_case, project_files
from tests.tools.toolbox import require_tool, run_tool

CASE = HERE / "axolotl" / "cases" / "methods"
READ = """
import json, sys, yaml
from axolotl.cli.config import prepare_plugins
from axolotl.integrations.config import merge_input_args
from axolotl.utils.dict import DictDefault
from axolotl.utils.schemas.config import AxolotlInputConfig
for file in sys.argv[1:]:
    try:
        said, cls = yaml.safe_load(open(file)), AxolotlInputConfig
        if said.get("plugins"):
            prepare_plugins(DictDefault(said))
            _, cls = merge_input_args()
        made = cls(**said)
        print(json.dumps([file, {name: repr(getattr(made, name)) for name in made.model_fields_set}]))
    except BaseException as error:
        print(json.dumps([file, str(error)]))
"""


def compiled() -> dict[str, str]:
    prefix = "generated/dev/axolotl/"
    found = {e.path.removeprefix(prefix): e.content.decode() for e in compile_case(CASE).emitted}
    return {name: text for name, text in found.items() if name.endswith(".yaml") and "/" not in name}


def read(folder: Path, files: Mapping[str, str]) -> dict[str, Mapping[str, str] | str]:
    """What the class makes of each file, or what it says against it."""
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "read.py").write_text(READ)
    done = run_tool([require_tool("axolotl").parent / "python", "read.py", *files], folder, OFFLINE)
    assert done.ok, done
    return dict(json.loads(line) for line in done.output.splitlines() if line.startswith('["'))


@pytest.mark.tools
def test_its_class_takes_every_file(tmp_path: Path) -> None:
    files = compiled()
    found = read(tmp_path, files)
    assert set(found) == set(files)
    for name, said in found.items():
        assert not isinstance(said, str), (name, said)
        assert set(yaml.safe_load(files[name])) <= set(said), name


REFUSED = {
    "a type": ("num_epochs: 2", "num_epochs: two", "num_epochs"),
    "a way of learning": ("sample_packing: true", "rl: dppo", "rl"),
    "qlora without 4 bits": ("adapter: lora", "adapter: qlora", "load_in_4bit"),
    "a template of its own without text": ("chat_template: chatml", "chat_template: jinja", "chat_template_jinja"),
}
PASSED_OVER = {
    "an unknown key": ("num_epochs: 2", "num_epoch: 2", "did you mean `num_epochs`?"),
    "a plugin's setting alone": ("num_epochs: 2", "num_epochs: 2\nliger_rms_norm: true", "`liger_rms_norm`"),
    "a scheduler": ("lr_scheduler: cosine", "lr_scheduler: cosin", "did you mean `cosine`?"),
    "a key of fsdp": ("reshard_after_forward: true", "reshard_after_forwrd: true", "`reshard_after_forward`"),
    "4 and 8 bits": ("adapter: lora", "adapter: lora\nload_in_4bit: true\nload_in_8bit: true", "exclude each other"),
    "no batch size": ("micro_batch_size: 4\n", "", "`micro_batch_size` is missing"),
    "a key of a dataset": ("field_messages: messages", "fields_messages: messages", "`field_messages`"),
    "no rank": ("lora_r: 16\n", "", "`lora_r` is missing"),
    "no alpha": ("lora_alpha: 32\n", "", "`lora_alpha` is missing"),
}


def test_the_closed_lists_take_every_file_and_refuse_what_the_class_passes_over() -> None:
    files = compiled()
    for name, text in files.items():
        assert list(check(name, yaml.safe_load(text))) == [], name
    for name, (here, there, word) in PASSED_OVER.items():
        twin = files["tone.yaml"].replace(here, there)
        assert twin != files["tone.yaml"], name
        assert any(word in said for said in check("tone.yaml", yaml.safe_load(twin))), name


def test_code_from_elsewhere_is_no_plugin() -> None:
    files = project_files(CASE)
    path = "conf/finetune/plain.yaml"
    files[path] = files[path].replace(b"liger.LigerPlugin", b"liger.LigerPlugn")
    found = [d for d in compile_project(Memory(files), Request()).diagnostics if d.severity == "error"]
    assert [(d.message, d.help[0]) for d in found] == [(
        "axolotl has no plugin `axolotl.integrations.liger.LigerPlugn` of its own",
        "did you mean `axolotl.integrations.liger.LigerPlugin`?",
    )]  # fmt: skip


@pytest.mark.tools
def test_its_class_refuses_broken_twins_and_passes_over_others(tmp_path: Path) -> None:
    good = compiled()["tone.yaml"]
    twins = [good.replace(here, there) for here, there, _ in (*REFUSED.values(), *PASSED_OVER.values())]
    assert good not in twins
    found = read(tmp_path, {f"{n}.yaml": text for n, text in enumerate(twins)})
    for n, (name, (_, _, word)) in enumerate(REFUSED.items()):
        said = found[f"{n}.yaml"]
        assert isinstance(said, str), f"{name} was taken"
        assert word in said, (name, said)
    passed = [f"{n}.yaml" for n in range(len(REFUSED), len(twins))]
    assert [name for name in passed if isinstance(found[name], str)] == [], "the class refuses more than is said here"


def test_what_teams_write_has_a_place() -> None:
    """Each key that is counted as a parameter is one of its own settings: nothing is counted that would be refused."""
    rows = json.loads((HERE.parent / "coverage" / "keys.json").read_text())["tools"]["axolotl"]
    counted = {row["key"] for row in rows if row.get("field") == "finetune.params"} - {"image/video_max_pixels"}
    assert len(counted) > 8
    assert counted - set(table()["settings"]) == set()
