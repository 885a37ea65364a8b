"""docs/reference/rules/<CODE>.md: what each code means, of the rules and of the passes, and a table of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from llmops.compiler.diagnostics.codes import all_codes, doc_page, rules
from llmops.compiler.model.finding import Code
from llmops.compiler.rules import load_rules

ROOT = Path(__file__).resolve().parent.parent.parent
PASSES = {
    "CFG": "Loading: files, defaults lists, overrides, silences",
    "SCH": "Schemas: fields and their values",
    "REF": "References: names, files, cycles",
    "TGT": "Targets: what they write",
    "OUT": "Output: the plan, the lock file, the disk",
    "USE": "The command line",
    "BUG": "Faults of the compiler",
}
AREAS = {
    "MOD": "Models", "PRM": "Prompts and the rows that fill them", "DAT": "Datasets", "SRV": "Serving",
    "GTW": "Gateways and the way of a call", "EVL": "Evals and gates", "PIP": "Pipelines and secrets",
    "IDX": "Indexes", "TOL": "Tools", "FLW": "Flows and agents", "FIN": "Fine-tuning", "GRD": "Guardrails",
    "MON": "Monitoring", "GOV": "Governance", "OVR": "Overrides",
}
"""The areas of the rules, by the letters of their codes, in the order of the table."""


def files() -> Iterator[tuple[str, str]]:
    cases = dict(_cases())
    ruled = {code.code for _, code in rules()}
    for code in all_codes():
        yield doc_page(code.code), page(code, code.code in ruled, cases.get(code.code))
    yield doc_page("README"), index(all_codes(), ruled)


def _cases() -> Iterator[tuple[str, str]]:
    """The page of cases of each rule, from the top of the repository."""
    for rule in load_rules():
        area, name = rule.check.__module__.rsplit(".", 2)[1:]
        path = f"tests/rules/{area}/{name}.md"
        if (ROOT / path).exists():
            yield rule.code.code, path


def page(code: Code, rule: bool, cases: str | None) -> str:
    lines = [
        f"# {code.code} {code.name}", "", f"*{code.severity}, since {code.since}*", "", code.summary, "",
        "## Why", "", code.why, "", "## Refused", "", *_excerpt(code.bad), "",
        "## Accepted", "", *_excerpt(code.good), "",
    ]
    if rule:
        lines += [
            "## Level and silence", "",
            f"In llmops.yaml `rules: {{{code.code}: warning}}` sets the level for a project: `\"off\"`, `info`, "
            "`warning` or `error`. One place is silenced on its line or the one above, with a reason:", "",
            "```yaml", f"# llmops: ignore[{code.code}] until 2027-01-31: why, and what happens then", "```", "",
        ]
    if cases is not None:
        lines += [f"Every case that is tested, and those that must pass: [{cases}](../../../{cases}).", ""]
    return "\n".join(lines)


def _excerpt(text: str) -> list[str]:
    return ["```yaml", *text.rstrip("\n").split("\n"), "```"]


def index(codes: tuple[Code, ...], ruled: set[str]) -> str:
    lines = [
        "# Rules and codes", "",
        "Each message has a code, whose page says what it means, why it matters and what is right; "
        "`llmops explain CODE` shows the same. Rules judge what no single file shows, and can be set to a level or "
        "silenced; what the passes report cannot.", "",
        "A check that cannot be made because a fact is missing is counted as unknown, and listed by `-v`: it is never "
        "passed silently.", "", "## Rules", "",
    ]
    lines += _tables([c for c in codes if c.code in ruled], AREAS)
    lines += ["## Passes", ""]
    lines += _tables([c for c in codes if c.code not in ruled], PASSES)
    return "\n".join(lines)


def _tables(codes: list[Code], titles: dict[str, str]) -> Iterator[str]:
    areas = [*titles, *sorted({c.code[:3] for c in codes} - set(titles))]
    for area in areas:
        rows = [c for c in codes if c.code[:3] == area]
        if rows:
            yield from (f"### {titles.get(area, area)}", "")
            yield from ("| code | name | level | what must hold |", "|---|---|---|---|")
            for c in rows:
                summary = c.summary.replace("|", "\\|")
                yield f"| [{c.code}]({c.code}.md) | {c.name} | {c.severity} | {summary} |"
            yield ""
