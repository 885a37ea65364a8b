"""Run a compiled load test with GuideLLM and judge what it measured.

    python run.py <eval>.json <results>.json          run it, then judge it
    python run.py <eval>.json <results>.json judge    judge the reports of the run before

Exit code 0: the gate holds. 100: it does not. Any other: the load test did not run. Beside the eval's file stand a
scenario of GuideLLM's for each subject, and the rows. Reports are read request by request, since GuideLLM's own means
count what was not measured as 0: a server that does not stream would have the best time to its first token.
"""

from __future__ import annotations

import asyncio
import json
import math
import multiprocessing
import multiprocessing.forkserver
import os
import re
import signal
import sys
import types
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import mean, stdev
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import gate

POINTS = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
CHAT = "/v1/chat/completions"
LOADER = "guidellm.data.loaders.torch"


class Rows:
    """What gives GuideLLM its requests, in the place of its own loader, which needs PyTorch and ends with the rows.

    A load test is as long as its config says: after the last row comes the first.
    """

    def __init__(self, config: Any, datasets: list[Any], preprocessors: list[Any], finalizer: Any, **_: Any) -> None:
        from guidellm.data.preprocessors import DataDependentPreprocessor

        self.datasets, self.preprocessors, self.finalizer = datasets, preprocessors, finalizer
        self.info = config.model_dump(mode="json")
        for one in preprocessors:
            if isinstance(one, DataDependentPreprocessor):
                one.setup_data(datasets=datasets)

    def __iter__(self) -> Iterator[Any]:
        found = True
        while found:
            found = False
            for row in zip(*self.datasets, strict=False):
                made: Any = [{"dataset": part} for part in row]
                for one in self.preprocessors:
                    made = one(made)
                request = self.finalizer(made)
                if not request:
                    raise ValueError("a row gives no request")
                found = True
                yield request


# GuideLLM's processes begin with this file too: it must be here before any of its modules, and cost nothing
_module = types.ModuleType(LOADER)
_module.TorchDataLoader = Rows  # type: ignore[attr-defined]
sys.modules[LOADER] = _module


# --- what is run ---------------------------------------------------------------------------------------------------


def filled(plan: Mapping[str, Any], subject: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A scenario with what only the environment knows."""
    import yaml

    scenario: dict[str, Any] = yaml.safe_load((folder / subject["scenario"]).read_text(encoding="utf-8"))
    backend = scenario["spec"]["backend"]
    if "url_variable" in subject:
        backend["target"] = url = variable(subject["url_variable"])
        if not url.rstrip("/").endswith("/v1"):
            backend["api_routes"] = {CHAT: CHAT.removeprefix("/v1/")}
    if "key_variable" in subject:
        backend["api_key"] = variable(subject["key_variable"])
    return scenario


def variable(name: str) -> str:
    if not os.environ.get(name):
        raise SystemExit(f"error: the variable {name} is not set")
    return os.environ[name]


def write_rows(plan: Mapping[str, Any], subject: Mapping[str, Any], folder: Path, to: Path) -> None:
    """The rows as messages, the prompt's with the row's variables in them; without a prompt the row's own `prompt`."""
    extra = {"output_tokens_count": subject["output_tokens"]} if "output_tokens" in subject else {}
    to.parent.mkdir(parents=True, exist_ok=True)
    with to.open("w", encoding="utf-8") as file:
        for line in (folder / plan["rows"]).read_text(encoding="utf-8").splitlines():
            made = {"messages": messages(subject, json.loads(line)["vars"]), **extra}
            file.write(json.dumps(made, ensure_ascii=False) + "\n")


def messages(subject: Mapping[str, Any], values: Mapping[str, Any]) -> list[dict[str, str]]:
    if "messages" not in subject:
        if "prompt" not in values:
            raise SystemExit("error: a row has no `prompt`, and the eval names none")
        return [{"role": "user", "content": text(values["prompt"])}]
    known = {**dict.fromkeys(subject.get("optional", ()), ""), **values}
    return [
        {"role": one["role"], "content": said(one["content"], one.get("syntax", subject["syntax"]), known)}
        for one in subject["messages"]
    ]


def text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def said(template: str, syntax: str, values: Mapping[str, Any]) -> str:
    if syntax == "none":
        return template
    if syntax == "f-string":
        return re.sub(r"\{\{|\}\}|\{(\w+)\}", lambda m: text(values[m[1]]) if m[1] else m[0][0], template)
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    jinja = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=True,
        finalize=lambda value: json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value,
    )
    return jinja.from_string(template).render(dict(values))


def run(plan: Mapping[str, Any], folder: Path) -> None:
    """Each subject's scenario, one after the other; GuideLLM writes the reports that the scenarios name."""
    for name in list(os.environ):
        if name.startswith(("GUIDELLM__SPEC", "GUIDELLM__BENCHMARKS", "GUIDELLM__METADATA")):
            del os.environ[name]  # the compiled scenario says it all
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    if "forkserver" in multiprocessing.get_all_start_methods():
        # its processes start at once: what they need is read while the rest is
        os.environ.setdefault("GUIDELLM__MP_CONTEXT_TYPE", "forkserver")
        multiprocessing.set_forkserver_preload(["__main__", "guidellm.backends", "guidellm.scheduler"])
        multiprocessing.forkserver.ensure_running()
    from guidellm.data.loaders import DataLoaderRegistry
    from guidellm.entrypoints import benchmark_generative_text
    from guidellm.schemas.benchmark import BenchmarkScenario

    DataLoaderRegistry.register("pytorch")(Rows)
    for subject in plan["subjects"]:
        scenario = filled(plan, subject, folder)
        if "rows" in plan:
            write_rows(plan, subject, folder, Path(scenario["spec"]["data"][0]["path"]))
        report_of(scenario).unlink(missing_ok=True)
        args = BenchmarkScenario.model_validate(scenario)
        asyncio.run(benchmark_generative_text(args=args, progress=False, console=None))


def report_of(scenario: Mapping[str, Any]) -> Path:
    return Path(scenario["spec"]["outputs"][0]["path"])


def limited(seconds: int) -> None:
    """The run ends, with all of its processes, when its time is over."""
    if os.getpgrp() != os.getpid():
        os.setpgrp()

    def stop(*_: Any) -> None:
        print(f"error: it lasted longer than {seconds} s", file=sys.stderr, flush=True)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)
        os._exit(1)

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)


# --- what was measured -----------------------------------------------------------------------------------------------


def parts(plan: Mapping[str, Any], folder: Path) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The label of a subject, the name of a run, and GuideLLM's report of it."""
    import yaml

    for subject in plan["subjects"]:
        scenario = yaml.safe_load((folder / subject["scenario"]).read_text(encoding="utf-8"))
        report = json.loads(report_of(scenario).read_text(encoding="utf-8"))
        runs = report["benchmarks"]
        for number, one in enumerate(runs, 1):
            name = subject["label"] if len(runs) == 1 else f"{subject['label']}, {strategy(one, number)}"
            yield subject["label"], name, one


def strategy(report: Mapping[str, Any], number: int) -> str:
    found = report["config"]["strategy"]
    rate = found.get("rate")
    return f"{number}: {found['type_']}" + (f" at {rate:.4g}/s" if rate is not None else "")


def in_window(report: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    """The requests that started while it was measured, which is after the warm-up."""
    start = report["scheduler_metrics"]["measure_start_time"]
    found = [one for one in report["requests"][kind] if one["request_start_time"] is not None]
    return [one for one in found if one["request_start_time"] >= start - 1e-6]


def scores(report: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The metrics of a run, and what is told beside them.

    An answer without a token is none. A request that was still waiting at the end is left out, unless it had been for
    longer than any that was answered: then it got no answer.
    """
    answered = in_window(report, "successful")
    good = [one for one in answered if one["time_to_first_token_ms"] is not None]
    slowest = max((one["request_latency"] or 0.0 for one in good), default=0.0)
    waited = [waiting(one) for one in in_window(report, "incomplete")]
    hung = [seconds for seconds in waited if seconds is not None and seconds > slowest]
    errors = in_window(report, "errored")
    bad = len(answered) - len(good) + len(hung) + len(errors)
    total = len(good) + bad
    times = report["scheduler_metrics"]
    lasted = times["measure_end_time"] - times["measure_start_time"]
    out: dict[str, Any] = {}
    for name, values in (
        ("ttft", [one["time_to_first_token_ms"] / 1000 for one in good]),
        ("tpot", [t / 1000 for one in good if (t := one["inter_token_latency_ms"]) is not None]),
        ("e2e_latency", [one["request_latency"] for one in good if one["request_latency"] is not None]),
    ):
        out |= distribution(name, values)
    for name, amount in (
        ("request_throughput", len(good)),
        ("output_throughput", sum(one["output_tokens"] or 0 for one in good)),
        ("total_token_throughput", sum(one["total_tokens"] or 0 for one in good)),
    ):
        if good and lasted > 0:
            out[name] = {"mean": amount / lasted, "count": len(good)}
    if total:
        out["error_rate"] = {"mean": bad / total, "count": total}
        out["pass_rate"] = {"mean": len(good) / total, "count": total}
    why = Counter(" ".join(str(one["info"]["error"]).split())[:200] for one in errors)
    why.update({"no token came": len(answered) - len(good), "still no answer at the end": len(hung)})
    # what the warm-up cost counts too
    sent = [one for kind in ("successful", "errored", "incomplete") for one in report["requests"][kind]]
    used = {
        "rows": len(sent), "calls": len(sent),
        "input": sum(one["prompt_tokens"] or 0 for one in sent),
        "output": sum(one["output_tokens"] or 0 for one in sent),
    }
    left = len(waited) - len(hung)
    return out, {
        "failed": bad, "why": why, "used": used, "left": left, "made": times["requests_made"]["total"],
        "warnings": [one["message"] for one in report["warnings"]],
    }


def waiting(one: Mapping[str, Any]) -> float | None:
    """For how long a request had been waiting when the run ended; None where it was not sent."""
    timings = one["info"]["timings"]
    start, end = timings["request_start"], timings["resolve_end"]
    return None if start is None or end is None else end - start


def distribution(name: str, values: list[float]) -> dict[str, Any]:
    count = len(values)
    if not count:
        return {}
    found: dict[str, Any] = {name: {"mean": mean(values), "count": count}}
    if count > 1:
        found[name]["stderr"] = stdev(values) / math.sqrt(count)
    ordered = sorted(values)
    for point, share in POINTS.items():
        found[f"{name}_{point}"] = {"mean": percentile(ordered, share), "count": count}
    return found


def percentile(ordered: list[float], share: float) -> float:
    """Between the two nearest, in proportion."""
    at = share * (len(ordered) - 1)
    low, high = math.floor(at), math.ceil(at)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


# --- how it is judged ------------------------------------------------------------------------------------------------


def judge(plan: Mapping[str, Any], folder: Path, results: Path) -> int:
    """Each run is judged on its own: a mean over several rates would be that of no load at all."""
    rules = dict(plan["gate"])
    limits = {**rules.get("min", {}), **rules.get("max", {})}
    subjects: dict[str, Any] = {}
    used: dict[str, float] = {"rows": 0, "calls": 0, "tokens": 0, "usd": 0.0}
    failed, short = {}, []
    for label, name, report in parts(plan, folder):
        subjects[name], told = scores(report)
        show(name, subjects[name], told)
        spend(used, told["used"], plan.get("prices", {}).get(label))
        # a limit of `error_rate` says how many may fail; otherwise no mean is judged that leaves some out
        failed[name] = 0 if "error_rate" in rules.get("max", {}) else told["failed"]
        if told["made"] < plan.get("requests", 0):
            short.append(f"{name}: {told['made']} of {plan['requests']} requests were made")
    if "usd" in used and plan.get("prices") is None:
        del used["usd"]
    if not subjects:
        short.append("nothing was measured")
    rules["informational"] = sorted({name for found in subjects.values() for name in found} - set(limits))
    measured: dict[str, Any] = {"subjects": subjects, "unanswered": sum(failed.values()), "used": used}
    red = bool(short)
    for line in short:
        print(f"RED {line}")
    if len(subjects) > 1:
        once = {key: value for key, value in rules.items() if key not in ("budget", "baseline")}
        for name, found in subjects.items():
            for ok, line in gate.judged(once, {"subjects": {name: found}, "unanswered": failed[name]}):
                print(f"{gate.SIGNS[ok]} {' '.join(f'{name}: {line}'.split())}")
                red = red or ok is False
        rules = {key: value for key, value in rules.items() if key in ("budget", "mode", "of")}
    code = gate.finish(rules, measured, results)
    return code or (gate.RED if red and plan["gate"].get("mode") != "report" else 0)


def spend(used: dict[str, float], found: Mapping[str, int], price: Mapping[str, float] | None) -> None:
    used["rows"] += found["rows"]
    used["calls"] += found["calls"]
    used["tokens"] += found["input"] + found["output"]
    if price is not None:
        used["usd"] += found["input"] * price["input"] + found["output"] * price["output"]


def show(name: str, found: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    print(" ".join(f"{name}:".split()))
    for metric, one in found.items():
        print(f"    {metric:24} {one['mean']:.4f}")
    for why, count in told["why"].items():
        if count:
            print(f"    {count} failed: {why}")
    if told["left"]:
        print(f"    {told['left']} were on their way when it ended, and are left out")
    for line in told["warnings"]:
        print(f"    warning: {' '.join(str(line).split())}", flush=True)


def main(arguments: list[str]) -> int:
    file, results = Path(arguments[0]), Path(arguments[1])
    plan = json.loads(file.read_text(encoding="utf-8"))
    if not gate.ready(plan["gate"]):
        return gate.UNFIT
    if arguments[2:] != ["judge"]:
        if "timeout" in plan:
            limited(plan["timeout"])
        run(plan, file.parent)
        signal.alarm(0)
    return judge(plan, file.parent, results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
