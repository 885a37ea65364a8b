// The gate of an eval: runs the eval, reads what it measured, and says whether that is good enough.
//
//   node gate.mjs <gate.json> <results.json> <command> [arguments of the command]
//
// Exit code 0: green. 100: red. Any other: the eval itself did not run.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const RED = 100;
const EPSILON = 1e-9;

// Mean scores by subject and metric, with `pass_rate`: the share of rows with every assertion passed.
function measured(results) {
  const subjects = new Map();
  for (const row of results?.results?.results ?? []) {
    const subject = row.provider?.label || row.provider?.id || "";
    if (!subjects.has(subject)) subjects.set(subject, new Map());
    const sums = subjects.get(subject);
    add(sums, "pass_rate", row.success ? 1 : 0);
    for (const one of row.gradingResult?.componentResults ?? []) {
      const metric = one?.assertion?.metric;
      if (metric) add(sums, metric, Number(one.score ?? (one.pass ? 1 : 0)));
    }
  }
  return subjects;
}

function add(sums, name, score) {
  const [sum, count] = sums.get(name) ?? [0, 0];
  sums.set(name, [sum + score, count + 1]);
}

function mean(sums, name) {
  const found = sums?.get(name);
  return found && found[1] > 0 ? found[0] / found[1] : undefined;
}

// All subjects together, for what is asked of the eval as a whole.
function together(subjects) {
  const all = new Map();
  for (const sums of subjects.values()) {
    for (const [name, [sum, count]] of sums) {
      const [before, rows] = all.get(name) ?? [0, 0];
      all.set(name, [before + sum, rows + count]);
    }
  }
  return all;
}

function read(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

function tolerated(gate, name) {
  const tolerance = gate.tolerance ?? 0;
  return typeof tolerance === "number" ? tolerance : (tolerance[name] ?? 0);
}

function* compared(gate, name, now, before, against) {
  if (before === undefined) return;
  const least = before - tolerated(gate, name);
  const said = now === undefined ? "was not measured" : `is ${now.toFixed(4)}`;
  yield { ok: now !== undefined && now >= least - EPSILON, text: `${name} ${said}; ${against} had ${before.toFixed(4)}` };
}

function* judged(gate, subjects) {
  const all = together(subjects);
  const rows = all.get("pass_rate")?.[1] ?? 0;
  yield { ok: rows > 0, text: `${rows} answers were judged` };
  if (gate.pass_rate !== undefined) {
    const rate = mean(all, "pass_rate") ?? 0;
    yield { ok: rate >= gate.pass_rate - EPSILON, text: `pass_rate is ${rate.toFixed(4)}, at least ${gate.pass_rate} is asked` };
  }
  for (const [word, limits, keeps] of [
    ["at least", gate.min, (score, limit) => score >= limit - EPSILON],
    ["at most", gate.max, (score, limit) => score <= limit + EPSILON],
  ]) {
    for (const [name, limit] of Object.entries(limits ?? {})) {
      const score = mean(all, name);
      const said = score === undefined ? "was not measured" : `is ${score.toFixed(4)}`;
      yield { ok: score !== undefined && keeps(score, limit), text: `${name} ${said}, ${word} ${limit} is asked` };
    }
  }
  if (gate.baseline?.file !== undefined) {
    const earlier = together(measured(read(gate.baseline.file)));
    if (earlier.size === 0) yield { ok: false, text: `${gate.baseline.file} holds no results` };
    for (const name of earlier.keys()) yield* compared(gate, name, mean(all, name), mean(earlier, name), "the baseline");
  }
  if (gate.baseline?.subject !== undefined) {
    const other = subjects.get(gate.baseline.subject);
    if (!other) yield { ok: false, text: `the subject ${gate.baseline.subject} gave no results` };
    for (const [subject, sums] of subjects) {
      if (sums === other) continue;
      for (const name of other?.keys() ?? []) {
        for (const one of compared(gate, name, mean(sums, name), mean(other, name), gate.baseline.subject)) {
          yield { ok: one.ok, text: `${subject}: ${one.text}` };
        }
      }
    }
  }
}

const [gatePath, resultsPath, command, ...words] = process.argv.slice(2);
const gate = read(gatePath);
const ran = spawnSync(command, words, { stdio: "inherit" });
if (ran.error) throw ran.error;
if ((ran.status !== 0 && ran.status !== RED) || !existsSync(resultsPath)) {
  console.error(`the eval ended with ${ran.status ?? ran.signal}, and the gate has nothing to judge`);
  process.exit(ran.status || 1);
}
const verdicts = [...judged(gate, measured(read(resultsPath)))];
for (const { ok, text } of verdicts) console.log(`${ok ? "ok " : "RED"} ${text}`);
const red = verdicts.some(({ ok }) => !ok);
process.exit(red && gate.mode !== "report" ? RED : 0);
