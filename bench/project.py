"""Projects of a given size, for benches: groups of a model, a prompt, a dataset and an eval, behind a gateway.

Every resource file has about twenty lines, as in real projects; the model names are ones that the catalogue knows, so
that every rule has something to judge.
"""

from __future__ import annotations

from pathlib import Path

GROUP = 4
"""Resources of a group; each group also adds a route to a gateway."""
PER_GATEWAY = 25


def files(resources: int, environments: int = 1) -> dict[str, str]:
    """A project of about that many resources, by path."""
    groups = max(1, resources // GROUP)
    names = [f"n{index:05d}" for index in range(groups)]
    gateways = [names[start : start + PER_GATEWAY] for start in range(0, groups, PER_GATEWAY)]
    out = {
        "llmops.yaml": "name: bench\nenvironments:\n" + "".join(f"  e{i}: [env=e{i}]\n" for i in range(environments)),
        "conf/config.yaml": _config(names, len(gateways)),
    }
    for index in range(environments):
        out[f"conf/env/e{index}.yaml"] = f"env: {{vars: {{tier: e{index}}}}}\n"
    for name in names:
        out |= _group(name)
    for index, routes in enumerate(gateways):
        lines = "".join(f"  {name}: {{limits: {{rpm: 600}}}}\n" for name in routes)
        out[f"conf/gateway/g{index:04d}.yaml"] = (
            f"description: Routes of one team, {len(routes)} of them.\nengine: litellm\nretries: 1\ntimeout: 30s\n"
            f"routes:\n{lines}"
        )
    return out


def _config(names: list[str], gateways: int) -> str:
    lines = ["defaults:"]
    for kind in ("model", "prompt", "dataset", "eval"):
        lines.append(f"  - {kind}: [{', '.join(names)}]")
    lines.append(f"  - gateway: [{', '.join(f'g{i:04d}' for i in range(gateways))}]")
    lines.append("  - env: e0")
    return "\n".join(lines) + "\n"


def _group(name: str) -> dict[str, str]:
    return {
        f"conf/model/{name}.yaml": f"""\
description: The model of {name}, with request defaults that its callers may change.
owner: team-{name}
provider: openai
id: gpt-5.4-mini-2026-03-17
task: chat
params:
  temperature: 0.2
  max_tokens: 300
  top_p: 0.9
  seed: 7
labels:
  team: {name}
  cost_centre: "4711"
  tier: standard
""",
        f"conf/prompt/{name}.yaml": f"""\
description: One short paragraph, from the policy alone.
owner: team-{name}
messages:
  - system: |
      You answer customers of shop {name} in one short paragraph.
      Use only the policy. If it does not answer the question, say so.
      Offer to connect the customer to a person.
      Never promise what the policy does not say.
  - user: "{{{{ question }}}}"
variables:
  question: string
params:
  max_tokens: 250
labels:
  team: {name}
""",
        f"conf/dataset/{name}.yaml": f"""\
description: Questions that customers of {name} really ask.
owner: team-{name}
rows:
  - vars: {{question: "May I return worn shoes?", expected: fault}}
  - vars: {{question: "When do I get my money back?", expected: 5 working days}}
  - vars: {{question: "Can I get a refund for a sale item?", expected: exchanged}}
columns:
  question: string
  expected: string
trust: trusted
sensitivity: public
licence: CC0-1.0
labels:
  team: {name}
""",
        f"conf/eval/{name}.yaml": f"""\
description: Facts of the policy that an answer must not get wrong.
owner: team-{name}
runner: promptfoo
subject:
  prompt: {name}
  model: {name}
rows:
  dataset: {name}
metrics:
  names_the_fact:
    type: icontains
    value: "{{{{ expected }}}}"
  stays_short:
    type: javascript
    value: output.length < 600
concurrency: 2
gate:
  pass_rate: 0.95
labels:
  team: {name}
""",
    }


def write(folder: Path, resources: int, environments: int = 1) -> int:
    """Write the project; gives the number of bytes."""
    total = 0
    for path, text in files(resources, environments).items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        total += len(text.encode())
    return total
