// The gate of an eval: runs the eval, reads what it measured, and says whether that is good enough.
//
//   node gate.mjs <gate.json> <results.json> <command> [arguments of the command]
//
// Exit code 0: green. 100: red. Any other: the eval itself did not run.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

const RED = 100;
const EPSILON = 1e-9;

// Scores by subject and metric, each with the row that it is of; `pass_rate` is 1 where every assertion passed.
function measured(results) {
  const subjects = new Map();
  for (const row of results?.results?.results ?? []) {
    const subject = row.provider?.label || row.provider?.id || "";
    if (!subjects.has(subject)) subjects.set(subject, new Map());
    const about = { row: JSON.stringify(row.vars ?? {}), facts: { ...row.testCase?.metadata, ...row.vars } };
    add(subjects.get(subject), "pass_rate", row.success ? 1 : 0, about);
    for (const one of row.gradingResult?.componentResults ?? []) {
      const metric = one?.assertion?.metric;
      if (metric) add(subjects.get(subject), metric, Number(one.score ?? (one.pass ? 1 : 0)), about);
    }
  }
  return subjects;
}

function add(scores, name, score, about) {
  if (!scores.has(name)) scores.set(name, []);
  scores.get(name).push({ score, ...about });
}

// All subjects together, for what is asked of the eval as a whole.
function together(subjects) {
  const all = new Map();
  for (const scores of subjects.values()) {
    for (const [name, found] of scores) all.set(name, [...(all.get(name) ?? []), ...found]);
  }
  return all;
}

function mean(scores) {
  return scores && scores.length > 0 ? scores.reduce((sum, one) => sum + one.score, 0) / scores.length : undefined;
}

// How far to the side a normal distribution must be followed so that this share of it is left behind.
function quantile(share) {
  let low = -10;
  let high = 10;
  for (let step = 0; step < 80; step += 1) {
    const middle = (low + high) / 2;
    if (below(middle) < share) low = middle;
    else high = middle;
  }
  return low;
}

function below(x) {
  const t = 1 / (1 + 0.3275911 * (Math.abs(x) / Math.SQRT2));
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const error = 1 - poly * Math.exp((-x * x) / 2);
  return x < 0 ? (1 - error) / 2 : (1 + error) / 2;
}

// The worst mean that is still plausible: by Wilson's interval for shares, to the given side.
function plausible(scores, confidence, side) {
  const rate = mean(scores);
  if (rate === undefined || confidence === undefined) return rate;
  const z = quantile(confidence) * side;
  const n = scores.length;
  const spread = Math.sqrt(Math.max(0, (rate * (1 - rate)) / n) + (z * z) / (4 * n * n));
  return (rate + (z * z) / (2 * n) + z * spread) / (1 + (z * z) / n);
}

// By how much rows score better than they did, and in the worst plausible case; the same rows are compared.
function better(now, before, confidence) {
  const rows = (scores) => {
    const found = new Map();
    for (const { row, score } of scores) found.set(row, [...(found.get(row) ?? []), { score }]);
    return found;
  };
  const [ours, theirs] = [rows(now), rows(before)];
  const both = [...ours.keys()].filter((row) => theirs.has(row));
  if (confidence === undefined || both.length < 2) return mean(now) - mean(before);
  const steps = both.map((row) => mean(ours.get(row)) - mean(theirs.get(row)));
  const average = steps.reduce((sum, one) => sum + one, 0) / steps.length;
  const variance = steps.reduce((sum, one) => sum + (one - average) ** 2, 0) / (steps.length - 1);
  return average - quantile(confidence) * Math.sqrt(variance / steps.length);
}

function read(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

function tolerated(gate, name) {
  const tolerance = gate.tolerance ?? 0;
  return typeof tolerance === "number" ? tolerance : (tolerance[name] ?? 0);
}

function* compared(gate, name, now, before, against) {
  if (!before || before.length === 0) return;
  const said = now ? `is ${mean(now).toFixed(4)}` : "was not measured";
  const ok = now !== undefined && better(now, before, gate.confidence) >= -tolerated(gate, name) - EPSILON;
  yield { ok, text: `${name} ${said}; ${against} had ${mean(before).toFixed(4)}` };
}

function* limited(gate, all) {
  const asked = [["at least", { ...(gate.pass_rate !== undefined && { pass_rate: gate.pass_rate }), ...gate.min }, -1]];
  asked.push(["at most", gate.max ?? {}, 1]);
  for (const [word, limits, side] of asked) {
    for (const [name, limit] of Object.entries(limits)) {
      const score = mean(all.get(name));
      const worst = plausible(all.get(name), gate.confidence, side);
      const sure = gate.confidence === undefined || worst === undefined ? "" : ` (${worst.toFixed(4)} is plausible)`;
      const said = score === undefined ? "was not measured" : `is ${score.toFixed(4)}${sure}`;
      const ok = worst !== undefined && (worst - limit) * side <= EPSILON;
      yield { ok, text: `${name} ${said}, ${word} ${limit} is asked` };
    }
  }
}

// Rows that failed before anything could be asserted of them: no answer came.
function unanswered(results) {
  const rows = results?.results?.results ?? [];
  return rows.filter((row) => !row.success && (row.gradingResult?.componentResults ?? []).length === 0).length;
}

function* judged(gate, subjects, missing) {
  const all = together(subjects);
  const rows = all.get("pass_rate")?.length ?? 0;
  yield { ok: rows > 0, text: `${rows - missing} answers were judged` };
  // They count as failed rows. A mean of a metric knows nothing of them: it would be that of the rows that went well.
  const averaged = gate.min !== undefined || gate.max !== undefined || gate.baseline !== undefined;
  if (missing > 0) yield { ok: !averaged, text: `${missing} of ${rows} rows got no answer` };
  yield* limited(gate, all);
  if (gate.baseline?.file !== undefined) yield* behind(gate, all);
  if (gate.baseline?.subject !== undefined) {
    const other = subjects.get(gate.baseline.subject);
    if (!other) yield { ok: false, text: `the subject ${gate.baseline.subject} gave no results` };
    for (const [subject, scores] of subjects) {
      if (scores === other) continue;
      for (const name of other?.keys() ?? []) {
        for (const one of compared(gate, name, scores.get(name), other.get(name), gate.baseline.subject)) {
          yield { ok: one.ok, text: `${subject}: ${one.text}` };
        }
      }
    }
  }
}

function* behind(gate, all) {
  const { file } = gate.baseline;
  const earlier = together(measured(read(file)));
  if (earlier.size === 0) yield { ok: false, text: `${file} holds no results` };
  for (const name of earlier.keys()) yield* compared(gate, name, all.get(name), earlier.get(name), "the baseline");
}

// What a run used: calls and tokens of subjects and judges, and their price in US dollars.
function used(gate, results) {
  const sum = { calls: 0, tokens: 0, usd: 0 };
  const count = (tokens, price) => {
    const [input, output] = [tokens?.prompt ?? 0, tokens?.completion ?? 0];
    sum.calls += tokens?.numRequests ?? 0;
    sum.tokens += tokens?.total ?? input + output;
    if (input + output > 0 && !price) sum.usd = NaN;
    else if (price) sum.usd += input * price.input + output * price.output;
  };
  for (const row of results?.results?.results ?? []) {
    const { prices } = gate.budget;
    count({ numRequests: 1, ...row.tokenUsage }, prices?.subjects?.[row.provider?.label ?? ""] ?? prices?.subjects?.[""]);
    if (row.tokenUsage?.assertions?.total) count(row.tokenUsage.assertions, prices?.judge);
  }
  return sum;
}

function* spent(gate, results) {
  const rows = results?.results?.results?.length ?? 0;
  const sum = gate.budget ? used(gate, results) : {};
  for (const [name, limit] of Object.entries(gate.budget?.limits ?? {})) {
    const [what, per] = name.split("_per_");
    const amount = per === "row" ? sum[what] / Math.max(1, rows) : sum[what];
    const known = Number.isFinite(amount);
    const ok = gate.budget.warn === true || (known && amount <= limit + EPSILON);
    const text = known ? `${name} is ${Number(amount.toPrecision(4))}` : `${name} is unknown: a price is missing`;
    yield { ok, text: `${text}, at most ${limit} is allowed` };
  }
}

// The pass rate apart for each value of a column.
function* sliced(gate, subjects) {
  const scores = together(subjects).get("pass_rate") ?? [];
  for (const column of gate.slices ?? []) {
    const groups = new Map();
    for (const one of scores) add(groups, JSON.stringify(one.facts[column] ?? null), one.score, {});
    for (const value of [...groups.keys()].sort()) {
      const found = groups.get(value);
      yield `    pass_rate is ${mean(found).toFixed(4)} of ${found.length} where ${column} is ${value}`;
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
const results = read(resultsPath);
const subjects = measured(results);
for (const line of sliced(gate, subjects)) console.log(line);
const verdicts = [...judged(gate, subjects, unanswered(results)), ...spent(gate, results)];
for (const { ok, text } of verdicts) console.log(`${ok ? "ok " : "RED"} ${text.replace(/\s+/g, " ")}`);
const red = verdicts.some(({ ok }) => !ok);
process.exit(red && gate.mode !== "report" ? RED : 0);
