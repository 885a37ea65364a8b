"""Selections and interpolations that would grow without limit end in a diagnostic, soon."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from tests.compiler.load.kit import found, run


def test_files_that_select_twice_each() -> None:
    files: dict[str, str | bytes | None] = {
        f"conf/model/{side}{n}.yaml": f"defaults: [l{n + 1}, r{n + 1}]\n" for n in range(30) for side in "lr"
    }
    files |= {
        "conf/model/l30.yaml": "",
        "conf/model/r30.yaml": "",
        "conf/config.yaml": "defaults: [{model: [a, l0]}, {env: dev}]\n",
    }
    start = time.process_time()
    assert {code for code, *_ in found(files)} == {"CFG044"}
    assert time.process_time() - start < 10


def test_a_long_chain_of_selections() -> None:
    files: dict[str, str | bytes | None] = {f"conf/model/m{n}.yaml": f"defaults: [m{n + 1}]\n" for n in range(2000)}
    files |= {"conf/model/m2000.yaml": "", "conf/config.yaml": "defaults: [{model: [m0]}, {env: dev}]\n"}
    assert [code for code, *_ in found(files)] == ["CFG044"]


def bomb(width: int, depth: int, leaf: str) -> str:
    lines = [f"    v0: {leaf}"]
    lines += [f"    v{n}: [" + ", ".join(["'${env.vars.v" + str(n - 1) + "}'"] * width) + "]" for n in range(1, depth)]
    return "env:\n  vars:\n" + "\n".join(lines) + "\n"


GROWING = {
    "lists of lists": bomb(10, 12, "[x]"),
    "texts of texts": "env:\n  vars:\n    v0: "
    + "x" * 1000
    + "\n"
    + "".join(f"    v{n}: '" + f"${{env.vars.v{n - 1}}}" * 10 + "'\n" for n in range(1, 12)),
    "a long chain": "env:\n  vars:\n    v0: 1\n"
    + "".join(f"    v{n}: ${{env.vars.v{n - 1}}}\n" for n in range(1, 200)),
    "deep maps that lead to deep maps": "env:\n  vars:\n    v0: 1\n"
    + "".join(f"    v{n}: " + "{a: " * 50 + f"'${{env.vars.v{n - 1}}}'" + "}" * 50 + "\n" for n in range(1, 60)),
    "a long text often": "env:\n  vars: {v0: "
    + "x" * 150_000
    + ", v1: ["
    + ", ".join(["'${env.vars.v0}'"] * 2000)
    + "]}\n",
}


@pytest.mark.parametrize("text", GROWING.values(), ids=GROWING)
def test_interpolations_that_grow(text: str) -> None:
    start = time.process_time()
    tracemalloc.start()
    outcome = run({"conf/env/dev.yaml": text, "conf/model/a.yaml": "id: x\n"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert {d.code for d in outcome.diagnostics} == {"CFG067"}
    assert time.process_time() - start < 10
    assert peak < 512 << 20


def test_many_circles_end() -> None:
    lines = "".join(f"    v{n}: ${{env.vars.v{(n + 1) % 60}}}\n" for n in range(60))
    assert {code for code, *_ in found({"conf/env/dev.yaml": "env:\n  vars:\n" + lines})} <= {"CFG066", "CFG067"}


def test_a_thousand_mistakes_are_all_told() -> None:
    files: dict[str, str | bytes | None] = {f"conf/model/m{n}.yaml": "id: yes\nregion: 012\n" for n in range(500)}
    files["conf/config.yaml"] = "defaults: [{model: [" + ", ".join(f"m{n}" for n in range(500)) + "]}, {env: dev}]\n"
    start = time.process_time()
    assert len(found(files)) == 1000
    assert time.process_time() - start < 10
