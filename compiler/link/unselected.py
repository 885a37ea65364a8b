"""Resource files that no environment selects."""

from __future__ import annotations

from collections.abc import Iterator

from llmops.compiler.link.codes import REF007
from llmops.compiler.model.finding import Diagnostic, diagnose
from llmops.compiler.model.project import Loaded
from llmops.compiler.model.sources import Span


def unselected(loaded: Loaded) -> Iterator[Diagnostic]:
    """A hint for each file that has no effect anywhere. Silent when only some environments were compiled."""
    composed = list(loaded.environments.values())
    if not composed or set(loaded.environments) != set(loaded.settings.environments):
        return
    nowhere = frozenset.intersection(*(frozenset(c.absent) for c in composed))
    for address in sorted(nowhere):
        conf = loaded.settings.conf
        group, _, option = composed[0].absent[address].rpartition("/")
        path = f"{conf}/{group}/{option}.yaml"
        entry = f"- {group}: [{option}]"
        yield diagnose(
            REF007, f"no environment selects `{address}`", Span(path, 1, 1, 1, 1),
            help=(f"add `{entry}` to {conf}/config.yaml, or delete the file",),
        )
