#!/usr/bin/env python3
"""Take the closed lists of promptfoo's config from its package: `targets/promptfoo/data/keys.json`.

    python scripts/targets/promptfoo_lists.py <node> <node_modules/promptfoo>

promptfoo passes over unknown keys without a word, and finds a misspelt assertion only when the eval has begun. The
lists are what its own schemas and its registry of providers say.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET = REPOSITORY / "targets" / "promptfoo" / "data" / "keys.json"
READ = """
const m = await import(process.argv[2]);
const keys = (schema) => {
  for (let depth = 0; schema && !schema.shape && depth < 9; depth += 1) {
    schema = schema.def?.innerType ?? schema.def?.in;
  }
  return Object.keys(schema?.shape ?? {});
};
const test = m.TestCaseSchema;
const options = keys(m.GradingConfigSchema).concat(keys(m.OutputConfigSchema));
console.log(JSON.stringify({
  suite: keys(m.UnifiedConfigSchema), tests: keys(test), assertion_keys: keys(m.AssertionSchema),
  assertion_sets: keys(m.AssertionSetSchema), evaluate_options: keys(m.EvaluateOptionsSchema), options,
  assertions: m.BaseAssertionTypesSchema.options, special_assertions: m.SpecialAssertionTypesSchema.options,
}));
process.exit(0);
"""


def main(node: Path, package: Path) -> None:
    source = package / "dist" / "src"
    lists = json.loads(run(node, source / "index.js"))
    version = json.loads((package / "package.json").read_text())["version"]
    providers = max(source.glob("providers-*.js"), key=lambda path: path.stat().st_size).read_text()
    declared = "\n".join(path.read_text() for path in sorted(source.glob("*.d.ts")))
    lists["providers"] = re.findall(r'providerPath(?:\.startsWith\(| === )"([a-z0-9.-]+):?', providers)
    lists["provider_keys"] = interface(declared, "ProviderOptions")
    lists["prompts"] = interface(declared, "Prompt")
    lists["options"] += re.findall(r"testCase\.options\?\.(\w+)", (source / "index.js").read_text())
    made = {"source": f"npm:promptfoo@{version}, by scripts/targets/promptfoo_lists.py"}
    made |= {name: sorted(set(found)) for name, found in sorted(lists.items())}
    TARGET.write_text(json.dumps(made, indent=1) + "\n")


def run(node: Path, module: Path) -> str:
    with tempfile.TemporaryDirectory() as home:
        script = Path(home) / "read.mjs"
        script.write_text(READ)
        env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "PROMPTFOO_CONFIG_DIR": home,
               "PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1"}
        done = subprocess.run([node, script, module], capture_output=True, text=True, check=True, env=env)
    return done.stdout.strip().splitlines()[-1]


def interface(text: str, name: str) -> list[str]:
    """The keys of an interface of its type declarations."""
    found = re.search(rf"interface {name}\b[^{{]*\{{(.*?)\n\}}", text, re.DOTALL)
    if found is None:
        raise LookupError(f"no interface {name}")
    return re.findall(r"^\s+(\w+)\??:", found[1], re.MULTILINE)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
