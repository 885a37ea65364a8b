"""Run a compiled eval with the harness and judge what it measured.

    python run.py <eval>.json <results>.json          run it
    python run.py <eval>.json <results>.json check    try it on no model: names, columns and metrics must exist

Exit code 0: the gate holds. 100: it does not. Any other: the eval did not run.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

sys.path.insert(0, str(Path(__file__).resolve().parent))
import gate

ENVIRONMENT = dict(os.environ)


@cache
def known(folder: Path | None) -> TaskManager:
    """The tasks of a folder, else all that are published: to look through those takes a while."""
    return TaskManager() if folder is None else TaskManager(include_path=str(folder), include_defaults=False)


def asked(spec: Mapping[str, Any], folder: Path, subject: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the harness measured of a subject; of its own dummy, which answers nothing of use, where there is none."""
    own = "tasks" not in spec
    manager = known(folder if own else None)
    names = [spec["task"]] if own else spec["tasks"]
    unknown = [name for name in names if not manager.match_tasks([name])]
    if unknown:
        raise SystemExit(f"the harness has no task {', '.join(unknown)}")
    options: dict[str, Any] = {"tasks": names, "task_manager": manager, "log_samples": own, "bootstrap_iters": 1000}
    if subject is None:
        if own:
            simple_evaluate(model="dummy", limit=2, **options)
        return {}
    if spec.get("seed") is not None:
        options |= {f"{of}random_seed": spec["seed"] for of in ("", "numpy_", "torch_", "fewshot_")}
    about = subject["model"]
    # the client reads its key from this variable, whoever's key it is
    os.environ["OPENAI_API_KEY"] = ENVIRONMENT[about["key_variable"]] if "key_variable" in about else "none"
    url = os.environ[about["url_variable"]] if "url_variable" in about else about["url"]
    arguments = {
        "model": about["name"], "base_url": f"{url.rstrip('/')}/chat/completions", "tokenizer_backend": None,
        "num_concurrent": spec.get("concurrency", 1), "max_retries": 3, "seed": spec.get("seed", 1234),
    }
    found = simple_evaluate(
        model="local-chat-completions", model_args=arguments, apply_chat_template=True,
        gen_kwargs=about.get("params") or None, **options,
    )
    return dict(found or {})


def scores(spec: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The means by metric: of one's own rows by the metrics' names in the config, of a published task as `task` (its
    first metric) and `task.metric`."""
    out: dict[str, Any] = {}
    if "tasks" not in spec:
        rows = found["samples"][spec["task"]]
        for name, theirs in spec["metrics"].items():
            out[name] = entry({row(one): float(one[theirs]) for one in rows})
        every = {row(one): float(all(one[theirs] >= 1 for theirs in spec["judged"])) for one in rows}
        out["pass_rate"] = entry(every)
        return out
    for task, values in found["results"].items():
        count = found.get("n-samples", {}).get(task, {}).get("effective", 1)
        for key, value in values.items():
            metric, _, rest = key.partition(",")
            if not rest or metric.endswith("_stderr") or not isinstance(value, (int, float)):
                continue
            made = {"mean": float(value), "count": count}
            error = values.get(f"{metric}_stderr,{rest}")
            if isinstance(error, (int, float)):
                made["stderr"] = float(error)
            out.setdefault(task, made)
            out.setdefault(f"{task}.{metric}", made)
    return out


def row(sample: Mapping[str, Any]) -> str:
    return gate.row(sample["doc"])


def entry(rows: Mapping[str, float]) -> dict[str, Any]:
    return {"mean": sum(rows.values()) / len(rows), "count": len(rows), "rows": dict(rows)}


def sliced(spec: Mapping[str, Any], results: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The pass rate apart for each value of a column."""
    out: dict[str, dict[str, list[float]]] = {column: {} for column in spec.get("slices", [])}
    for found in results:
        for one in found["samples"][spec["task"]]:
            passed = float(all(one[theirs] >= 1 for theirs in spec["judged"]))
            for column, groups in out.items():
                groups.setdefault(str(one["doc"].get(column)), []).append(passed)
    return {
        column: {value: {"mean": sum(s) / len(s), "count": len(s)} for value, s in groups.items()}
        for column, groups in out.items()
    }


def main(path: str, results: str, *word: str) -> int:
    spec = json.loads(Path(path).read_text(encoding="utf-8"))
    folder = Path(path).parent
    if word == ("check",):
        asked(spec, folder, None)
        return 0
    if not gate.ready(spec.get("gate", {})):
        return gate.UNFIT
    if "timeout" in spec:
        signal.alarm(int(spec["timeout"]))  # ends the run
    found = [asked(spec, folder, subject) for subject in spec["subjects"]]
    measured: dict[str, Any] = {
        "subjects": {
            subject["label"]: scores(spec, one) for subject, one in zip(spec["subjects"], found, strict=True)
        },
    }
    if spec.get("slices"):
        measured["slices"] = sliced(spec, found)
    return gate.finish(spec.get("gate", {}), measured, Path(results))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
