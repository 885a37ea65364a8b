"""Small inputs that could take all of the time or memory: each ends soon, with a code and a place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.security.kit import CONFIG, DATA, EVAL, FILE_PROMPT, MODEL, Files, compile_json, project, run
from tests.support.projects import MINIMAL

WHO = "provider: openai\nid: gpt-5.4-mini-2026-03-17\n"


def params(*rows: str) -> Files:
    return {MODEL: f"{WHO}params:\n" + "".join(f"  {row}\n" for row in rows)}


def chain(depth: int, length: int) -> Files:
    """Interpolations that each read a deep map, which holds the next."""
    rows = [f"m{n}: {'{a: ' * depth}'${{model.answerer.params.m{n + 1}}}'{'}' * depth}" for n in range(length)]
    return params(*rows, f"m{length}: 1")


def models(count: int, text: str) -> Files:
    names = ", ".join(f"m{n}" for n in range(count))
    return {
        CONFIG: f"defaults:\n  - model: [answerer, {names}]\n  - env: dev\n",
        **{f"conf/model/m{n}.yaml": text for n in range(count)},
    }


def prompt(text: str) -> Files:
    return {**FILE_PROMPT, "p.md": text}


def rows(text: str, name: str = "data/a.jsonl") -> Files:
    return {**DATA, "conf/dataset/rows.yaml": DATA["conf/dataset/rows.yaml"].replace("data/*.jsonl", name), name: text}


def tokenizer(text: str) -> Files:
    return {**prompt("a" * 5000 + "! {{ question }}"), MODEL: f"{WHO}tokenizer: {{file: t.json}}\n", "t.json": text}


def glob(pattern: str) -> Files:
    return {**DATA, "conf/dataset/rows.yaml": f"files: '{pattern}'\ntrust: trusted\nsensitivity: public\n"}


ALIASES = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True))
AT_FILES = ("conf/dataset/rows.yaml:1:8",)

BOMBS: dict[str, tuple[Files, str, str]] = {
    # YAML
    "aliases": ({MODEL: ALIASES}, "CFG010", f"{MODEL}:1:4"),
    "depth": ({MODEL: WHO + "params: " + "[" * 400_000}, "CFG006", f"{MODEL}:3:1008"),
    "keys": ({MODEL: WHO + "".join(f"k{n}: 1\n" for n in range(60_000))}, "CFG008", f"{MODEL}:25000:9"),
    "a long text": ({MODEL: f"{WHO}description: {'x' * 900_000}\n"}, "CFG009", f"{MODEL}:3:14"),
    "a long key": ({MODEL: f"{WHO}params: {{? {'x' * 10_000} : 1}}\n"}, "CFG009", f"{MODEL}:3:12"),
    "a long line with many mistakes": (
        {MODEL: f"{WHO}params: {{{','.join(f'a{n}: yes' for n in range(40_000))}}}\n"}, "CFG018", f"{MODEL}:3:14",
    ),
    "many large files": (models(300, "#" * (1 << 20)), "CFG005", "conf/model/m32.yaml:1:1"),
    "many full files": (models(60, f"{WHO}labels: {{a: [{'1,' * 49_900}1]}}\n"), "CFG008", "conf/model/m13.yaml:1:1"),
    "a comment of one sign": ({MODEL: f"{WHO}nope: 1 # @{'#' * 900_000}\n"}, "SCH001", f"{MODEL}:3:1"),
    "headers": ({MODEL: "# @package " * 50_000 + f"\n{WHO}"}, "CFG020", f"{MODEL}:1:1"),
    "a silence of many codes": (
        {MODEL: f"{WHO}nope: 1\n# llmops: ignore[{'SCH001,' * 100_000}]: x\n"}, "SCH001", f"{MODEL}:3:1",
    ),
    "many silences": (
        {MODEL: f"{WHO}nope: 1\n" + "".join(f"# llmops: ignore[AAA{n:03}]: x\n" for n in range(1000)) * 20},
        "SCH001", f"{MODEL}:3:1",
    ),
    # interpolations
    "text that doubles": (
        params("m0: xxxxxxxxxx", *(f"m{n}: '${{model.answerer.params.m{n - 1}}}${{model.answerer.params.m{n - 1}}}'"
                                   for n in range(1, 60))),
        "CFG067", "",
    ),
    "lists that double": (
        params("m0: [1]", *(f"m{n}: ['${{model.answerer.params.m{n - 1}}}', '${{model.answerer.params.m{n - 1}}}']"
                            for n in range(1, 40))),
        "CFG067", "",
    ),
    "a chain of deep maps": (chain(50, 60), "CFG067", ""),
    "a longer chain": (chain(3, 500), "CFG067", ""),
    "itself": (params("a: '${model.answerer.params.a}'"), "CFG066", f"{MODEL}:4:6"),
    "openings": (params(f"a: '{'${' * 60_000}'"), "CFG061", f"{MODEL}:4:6"),
    "backslashes": (params(f"a: '{chr(92) * 190_000}${{'"), "CFG061", f"{MODEL}:4:6"),
    "blanks": (params(f"a: '${{{' ' * 190_000}x'"), "CFG061", f"{MODEL}:4:6"),
    "dots": (params(f"a: '${{{'a.' * 90_000}b'"), "CFG061", f"{MODEL}:4:6"),
    # selections
    "a cycle": (
        {CONFIG: "defaults: [a]\n", "conf/a.yaml": "defaults: [b]\n", "conf/b.yaml": "defaults: [a]\n"},
        "CFG043", "conf/b.yaml:1:12",
    ),
    "each file selects the next three times": (
        {CONFIG: "defaults: [p/l0]\n", "conf/p/l25.yaml": "env: {}\n",
         **{f"conf/p/l{n}.yaml": f"defaults: [{', '.join([f'l{n + 1}'] * 3)}]\n" for n in range(25)}},
        "CFG044", "conf/p/l24.yaml:1:12",
    ),
    "many that are not there": (
        {CONFIG: f"defaults:\n  - model: [{'x, ' * 20_000}x]\n"}, "CFG034", f"{CONFIG}:2:13",
    ),
    "environments": (
        {"llmops.yaml": "name: a\nenvironments:\n" + "".join(f"  e{n}: [env=dev]\n" for n in range(10_000))},
        "CFG026", "llmops.yaml:2:1",
    ),
    "a long name": (
        {"llmops.yaml": f"name: {'n' * 10_000}\nenvironments: {{dev: []}}\n"}, "CFG026", "llmops.yaml:1:7",
    ),
    # templates, which are read and never rendered
    "a template's brackets": (prompt(f"{{{{ {'(' * 5000}question{')' * 5000} }}}}"), "PRM013", ""),
    "a template's loops": (prompt("{% for x in question %}" * 2000 + "{% endfor %}" * 2000), "PRM013", ""),
    "a template's attributes": (prompt(f"{{{{ question{'.a' * 10_000} }}}}"), "PRM013", ""),
    "a template's openings": (prompt("{{ question }}{% raw %}" + "{{" * 90_000 + "{% endraw %}"), "PRM013", ""),
    "a template's tags": (prompt("{{ question }}" * 140_000), "PRM013", ""),
    "a template of 8 MiB": (prompt("{{ question }}" + "x" * (8 << 20)), "PRM013", ""),
    # data
    "a row of 50 MiB": (rows('{"question": "' + "x" * (50 << 20) + '"}\n'), "DAT006", AT_FILES[0]),
    "a deep row": (rows('{"question": ' + "[" * 100_000 + "]" * 100_000 + "}\n"), "DAT006", AT_FILES[0]),
    "a deep document": (rows("[" * 200_000, "data/a.json"), "DAT006", AT_FILES[0]),
    "a document of 20 MiB": (rows("[" + "[]," * (7 << 20) + "[]]", "data/a.json"), "DAT006", AT_FILES[0]),
    "a number of 100,000 digits": (rows('{"question": ' + "9" * 100_000 + "}\n"), "DAT006", AT_FILES[0]),
    "many rows": (rows('{"question": "x"}\n' * 1_000_000), "DAT006", AT_FILES[0]),
    "a long cell": (rows('question\n"' + "x" * (1 << 20) + '"\n', "data/a.csv"), "DAT006", AT_FILES[0]),
    "a tokenizer of 65 MiB": (tokenizer(" " * (65 << 20)), "REF005", f"{MODEL}:3:19"),
    # globs
    "stars in a name": ({**glob("*a" * 60), "a" * 200 + "b": ""}, "REF005", AT_FILES[0]),
    "folders of folders": ({**glob("data/**/**/**/**/**/*.jsonl"), "data/" + "d/" * 200 + "a.jsonl": ""}, "REF005",
                           AT_FILES[0]),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_in_a_diagnostic(tmp_path: Path, name: str) -> None:
    changes, code, place = BOMBS[name]
    done = compile_json(project(tmp_path, changes))
    assert done.code == 1
    found = [at for one, at in done.errors if one == code]
    assert found, done.errors[:5]
    assert all(found), "every one has a place"
    assert not place or place in found


HARMLESS: dict[str, Files] = {
    "loops that nobody runs": prompt("{{ question }}{% for i in range(10**9) %}{{ 'x' * 10**9 }}{% endfor %}"),
    "powers": prompt(
        "{{ question }}{{ 9**(9**9) }}{% set x = 9**(9**9) %}{% autoescape 9**(9**9) %}{% endautoescape %}"
    ),
    "filters": prompt("{{ question }}{{ 'x'|center(1000000000) }}"),
    "files": prompt("{{ question }}{% include '/etc/passwd' %}{% import 'os' as os %}"),
    "objects": prompt("{{ question }}{{ ''.__class__.__mro__[1].__subclasses__() }}"),
    "a pattern that never ends": {
        EVAL: MINIMAL[EVAL].replace('{type: icontains, value: "30 days"}', "{type: regex, value: '(a+)+$x'}")
        .replace("May I return worn shoes?", "a" * 5000),
    },
    "a tokenizer whose pattern never ends": tokenizer(
        '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}, "pre_tokenizer": {"type": "Split", '
        '"pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": false}}'
    ),
    "a deep tokenizer": tokenizer('{"model": ' + "[" * 1_000_000),
    "a tokenizer of lines": tokenizer("\n" * (32 << 20)),
    "a thousand models": models(1000, WHO),
    "200 environments": {
        "llmops.yaml": "name: a\nenvironments:\n" + "".join(f"  e{n}: [env=dev]\n" for n in range(200)),
        "conf/env/dev.yaml": "env: {}\n",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_only_read_costs_nothing(tmp_path: Path, name: str) -> None:
    done = compile_json(project(tmp_path, HARMLESS[name]))
    assert (done.code, done.errors) == (0, [])


def many_files(folder: Path) -> None:
    (folder / "data").mkdir()
    for number in range(20_001):
        (folder / "data" / f"{number}.jsonl").touch()


def large_files(folder: Path) -> None:
    (folder / "data").mkdir()
    for number in range(60):
        with (folder / "data" / f"{number}.jsonl").open("wb") as file:
            file.truncate(60 << 20)


@pytest.mark.parametrize(("make", "code"), [(many_files, "REF009"), (large_files, "DAT006")])
def test_a_glob_of_many_or_large_files(tmp_path: Path, make: Callable[[Path], None], code: str) -> None:
    folder = project(tmp_path, DATA)
    make(folder)
    done = compile_json(folder)
    assert (done.code, set(done.errors)) == (1, {(code, AT_FILES[0])})


OVERRIDES: dict[str, tuple[list[str], str]] = {
    "many": ([f"model.answerer.params.temperature=0.{n + 1}" for n in range(3000)], "CFG044"),
    "deep": (["model.answerer.params.x=" + "[" * 5000], "CFG007"),
    "long": (["model.answerer.params.x=[" + "1," * 50_000 + "1]"], "CFG009"),
    "full": (["model.answerer.nope.x=[" + "1," * 4900 + "1]"], "CFG075"),
    "a long path": (["model." + "a." * 4000 + "b=1"], "CFG007"),
    "a quote that stays open": (["model.answerer.id='" + "a" * 9000], "CFG071"),
    "functions": (["model.answerer.id=" + "extend_list(" * 500], "CFG007"),
}  # fmt: skip


@pytest.mark.parametrize("name", OVERRIDES)
def test_overrides_pass_the_same_gates(tmp_path: Path, name: str) -> None:
    overrides, code = OVERRIDES[name]
    done = compile_json(project(tmp_path), "--dry-run", *overrides)
    assert (done.code, done.errors) == (1, [(code, "<override 1>:1:1")])


def test_a_line_of_blanks_in_llmops_yaml(tmp_path: Path) -> None:
    """Read before the gates: where the repository begins decides what may be read at all."""
    folder = project(tmp_path, {"llmops.yaml": f"name: a\nenvironments: {{dev: []}}\nrepository:{' ' * 900_000}'a'b\n"})
    done = run("compile", cwd=folder)
    assert done.code == 2


def test_a_thousand_errors_are_told_in_a_few_times_a_clean_run(tmp_path: Path) -> None:
    clean = compile_json(project(tmp_path / "clean"))
    wrong = models(20, WHO + "".join(f"zz{n}: 1\n" for n in range(50)))
    many = compile_json(project(tmp_path / "many", wrong))
    assert (clean.code, len(many.errors)) == (0, 1000)
    assert many.seconds < 5 * clean.seconds


def test_what_no_limit_foresaw_is_a_problem_with_a_code(tmp_path: Path) -> None:
    """As if a pass needed more than there is."""
    for error, words in {"MemoryError": "more memory", "RecursionError": "deeper nesting"}.items():
        script = (
            "import sys, llmops.compiler.driver as d\n"
            f"def fail(*a, **k): raise {error}\n"
            "d.load = fail\n"
            "from llmops.compiler.cli.main import main; sys.exit(main(['compile']))"
        )
        done = run(cwd=project(tmp_path), command=(sys.executable, "-c", script))
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith(f"error[BUG003]: this project needs {words} than")
