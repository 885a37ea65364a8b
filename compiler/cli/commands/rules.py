"""`llmops rules`."""

from __future__ import annotations

import click

from llmops.compiler.cli.options import console, reporting, shared
from llmops.compiler.model.finding import Code


@click.command("rules")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@reporting("text", "json")
@shared
@click.pass_context
def COMMAND(context: click.Context, words: tuple[str, ...]) -> int:  # noqa: N802
    """List the checks with their codes. A WORD keeps those that have it in the code, the name, the area or the summary.

    \b
    Examples:
      llmops rules
      llmops rules index warning
      llmops rules SCH --output-format json
    """
    from llmops.compiler.diagnostics.codes import all_codes, doc_page, rules
    from llmops.compiler.diagnostics.collect import plural
    from llmops.compiler.diagnostics.render import json as as_json

    here = console(context)
    areas = {code.code: area for area, code in rules()}

    def fits(code: Code) -> bool:
        said = f"{code.code} {code.name} {code.severity} {areas.get(code.code, 'pass')} {code.summary}".casefold()
        return all(word.casefold() in said for word in words)

    found = [code for code in all_codes() if fits(code)]
    if here.shape == "json":
        rows = [
            {
                "code": code.code, "name": code.name, "severity": code.severity.value, "summary": code.summary,
                "since": code.since, "area": areas.get(code.code), "url": doc_page(code.code),
            }
            for code in found
        ]  # fmt: skip
        here.out(as_json.dump({"schema": as_json.VERSION, "command": "rules", "rules": rows}))
        return 0
    wide = max((len(code.name) for code in found), default=0)
    here.out("".join(f"{c.code}  {c.severity.value:<7}  {c.name.ljust(wide)}  {c.summary}\n" for c in found))
    if not here.quiet:
        here.err(f"{plural(len(found), 'check')}.   llmops explain CODE\n")
    return 0
