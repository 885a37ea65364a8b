#!/usr/bin/env python3
"""Speed of a cold compile, as ratios in one run: whole processes, CPU seconds (user and system), the least of several.

    python bench/run.py [--sizes 10 100 1000 10000] [--repeats 5] [--write docs/speed.md]

`bare` is `python -c pass`; `floor` reads and parses the same configs with the fastest parser and writes the same bytes.
Runs of the kinds take turns, so that a noisy machine disturbs all of them alike.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from bench import project  # noqa: E402  (the path above makes it importable)

ENVIRONMENTS = 3
"""Of the project that shows what a further environment costs."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One process: CPU seconds and peak memory in MiB."""

    cpu: float
    memory: float


def spend(arguments: list[str], folder: Path) -> Cost:
    environment = {
        "PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "PYTHONPATH": str(REPOSITORY / "src"),
        "LANG": "C.UTF-8",
    }
    process = subprocess.Popen(
        arguments, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}:\n{said.decode()[-2000:]}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def compile_cold(folder: Path) -> Cost:
    for name in ("generated", "llmops.lock", ".llmops"):
        place = folder / name
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
    return spend([sys.executable, "-P", "-m", "llmops", "compile", "--no-progress"], folder)


def measure(size: int, repeats: int, work: Path) -> dict[str, Cost]:
    """The least CPU of each kind of run, with that run's memory."""
    one, many = work / f"{size}-one", work / f"{size}-many"
    project.write(one, size)
    project.write(many, size, ENVIRONMENTS)
    runs: dict[str, list[Cost]] = {"bare": [], "help": [], "floor": [], "cold": [], "many": []}
    for _ in range(repeats):
        runs["bare"].append(spend([sys.executable, "-c", "pass"], one))
        runs["help"].append(spend([sys.executable, "-P", "-m", "llmops", "--help"], one))
        runs["cold"].append(compile_cold(one))
        floor = [sys.executable, str(REPOSITORY / "bench" / "floor.py"), str(one), str(one / "generated")]
        runs["floor"].append(spend(floor, one))
        runs["many"].append(compile_cold(many))
    return {kind: min(costs, key=lambda c: c.cpu) for kind, costs in runs.items()}


GOALS = {10: "≤ 33 × bare", 100: "≤ 42 × bare", 1000: "≤ 8 × floor", 10000: "≤ 10 × floor"}
FURTHER = {10: 0.10, 100: 0.15, 1000: 0.40, 10000: 0.40}
MEMORY = {10: 64, 100: 64, 1000: 110, 10000: 450}


def table(measured: dict[int, dict[str, Cost]]) -> list[str]:
    rows = [
        "| resources | bare | floor | cold | × bare | × floor | goal | further environment | goal | memory | goal |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for size, costs in measured.items():
        bare, floor, cold = costs["bare"].cpu, costs["floor"].cpu, costs["cold"].cpu
        further = (costs["many"].cpu - cold) / (ENVIRONMENTS - 1) / cold
        rows.append(
            f"| {size:,} | {bare:.3f} s | {floor:.3f} s | {cold:.2f} s | {cold / bare:.0f} | {cold / floor:.1f} "
            f"| {GOALS.get(size, '')} | {further:.0%} of cold | ≤ {FURTHER.get(size, 0):.0%} "
            f"| {costs['cold'].memory:.0f} MiB | ≤ {MEMORY.get(size, 0)} |"
        )
    return rows


def summary(measured: dict[int, dict[str, Cost]]) -> list[str]:
    lines = []
    helps = [costs["help"].cpu / costs["bare"].cpu for costs in measured.values()]
    lines.append(f"`llmops --help`: {min(helps):.1f} × bare (goal ≤ 6).")
    if 1000 in measured and 10000 in measured:
        exponent = math.log10(measured[10000]["cold"].cpu / measured[1000]["cold"].cpu)
        lines.append(f"Growth of cold from 1,000 to 10,000 resources: exponent {exponent:.2f} (goal ≤ 1.1).")
    return lines


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    names = (line.split(":", 1)[1].strip() for line in lines if "model name" in line)
    model = next(names, platform.processor())
    return f"{os.cpu_count()} cores of {model}, Python {platform.python_version()}, {platform.system()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 100, 1000, 10000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", type=Path, help="replace the table in this page")
    chosen = parser.parse_args()
    measured: dict[int, dict[str, Cost]] = {}
    with tempfile.TemporaryDirectory(prefix="llmops-bench-") as name:
        for size in chosen.sizes:
            repeats = max(2, chosen.repeats // (4 if size >= 10000 else 1))
            measured[size] = measure(size, repeats, Path(name))
            print(table({size: measured[size]})[-1], flush=True)
    text = "\n".join([*table(measured), "", *summary(measured), "", f"Measured on {machine()}."])
    print(f"\n{text}")
    if chosen.write is not None:
        page = chosen.write.read_text("utf-8")
        before, _, rest = page.partition("<!-- table -->\n")
        _, _, after = rest.partition("<!-- end -->\n")
        chosen.write.write_text(f"{before}<!-- table -->\n{text}\n<!-- end -->\n{after}", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
