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
const keysOf = (schema) => {
  for (let depth = 0; schema && !schema.shape && depth < 9; depth += 1) {
    schema = schema.def?.innerType ?? schema.def?.in;
  }
  return schema?.shape ?? {};
};
const keys = (schema) => Object.keys(keysOf(schema));
const redteam = keysOf(keysOf(m.UnifiedConfigSchema).redteam);
const chunk = await import(process.argv[3]);
const names = JSON.parse(process.argv[4]);
const tables = Object.fromEntries(Object.entries(names).map(([name, alias]) => [name, chunk[alias]]));
const choices = (schema) => [].concat(schema?.options ?? [], schema?.def?.element ?? [], schema?.def?.innerType ?? [])
  .flatMap((one) => (typeof one === "string" ? [one] : choices(one)));
const plugins = [...new Set(choices(redteam.plugins))];
const local = new Set(JSON.parse(process.argv[5]));
const dressed = {};
const groups = {
  default: tables.DEFAULT_PLUGINS, foundation: tables.FOUNDATION_PLUGINS, harmful: Object.keys(tables.HARM_PLUGINS),
  pii: tables.PII_PLUGINS, "teen-safety": tables.TEEN_SAFETY_PLUGINS,
};
for (const [name, group] of Object.entries(tables.ALIASED_PLUGIN_MAPPINGS)) {
  groups[name] = Object.values(group).flatMap((made) => made.plugins);
  dressed[name] = Object.values(group).flatMap((made) => made.strategies);
  for (const [alias, made] of Object.entries(group)) {
    groups[alias] ??= made.plugins;
    dressed[alias] ??= made.strategies;
  }
}
const far = new Set(
  [...tables.REMOTE_ONLY_PLUGIN_IDS, ...Object.keys(tables.UNALIGNED_PROVIDER_HARM_PLUGINS), ...tables.BIAS_PLUGINS,
    "bias", "medical", "pharmacy", "insurance", "financial", "ecommerce", "telecom", "realestate", "guardrails-eval"],
);
const remote = (name) => far.has(name) || (dressed[name] ?? []).some((one) => !local.has(one))
  || [...(groups[name] ?? [])].some((one) => one !== name && remote(one));
const test = m.TestCaseSchema;
const options = keys(m.GradingConfigSchema).concat(keys(m.OutputConfigSchema));
console.log(JSON.stringify({
  suite: keys(m.UnifiedConfigSchema), tests: keys(test), assertion_keys: keys(m.AssertionSchema),
  assertion_sets: keys(m.AssertionSetSchema), evaluate_options: keys(m.EvaluateOptionsSchema), options,
  redteam: Object.keys(redteam), plugins, remote_plugins: plugins.filter(remote), strategies: tables.ALL_STRATEGIES,
  assertions: m.BaseAssertionTypesSchema.options, special_assertions: m.SpecialAssertionTypesSchema.options,
}));
process.exit(0);
"""


LOCAL_STRATEGIES = [
    "base64", "basic", "camelcase", "crescendo", "emoji", "hex", "homoglyph", "jailbreak-templates", "jailbreak:tree",
    "leetspeak", "math-prompt", "morse", "other-encodings", "piglatin", "prompt-injection", "rot13",
]  # fmt: skip
"""Those that a run with PROMPTFOO_DISABLE_REMOTE_GENERATION=1 dressed attacks by (0.123.1, 2026-11-24); of the others
promptfoo says that they need its service, a library that its lock leaves out (`sharp`), or a config of their own."""


def main(node: Path, package: Path) -> None:
    source = package / "dist" / "src"
    lists = json.loads(run(node, source / "index.js", *tables(source), json.dumps(LOCAL_STRATEGIES)))
    lists["local_strategies"] = LOCAL_STRATEGIES
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


def tables(source: Path) -> tuple[str, str]:
    """The file of its package that holds the lists of attacks, and what each list is exported as there."""
    imported = re.search(r"import \{([^}]*)\} from \"\./(tables-[\w-]+\.js)\"", (source / "main.js").read_text())
    if imported is None:
        raise LookupError("main.js imports no tables")
    names = {name: alias for alias, name in re.findall(r"([\w$]+) as ([A-Z][A-Z_]+)\b", imported[1])}
    return str(source / imported[2]), json.dumps(names)


def run(node: Path, module: Path, *more: str) -> str:
    with tempfile.TemporaryDirectory() as home:
        script = Path(home) / "read.mjs"
        script.write_text(READ)
        env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": home, "PROMPTFOO_CONFIG_DIR": home,
               "PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1"}
        done = subprocess.run([node, script, module, *more], capture_output=True, text=True, check=True, env=env)
    return done.stdout.strip().splitlines()[-1]


def interface(text: str, name: str) -> list[str]:
    """The keys of an interface of its type declarations."""
    found = re.search(rf"interface {name}\b[^{{]*\{{(.*?)\n\}}", text, re.DOTALL)
    if found is None:
        raise LookupError(f"no interface {name}")
    return re.findall(r"^\s+(\w+)\??:", found[1], re.MULTILINE)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
