// The gate of an eval: runs the eval, reads what it measured, and says whether that is good enough.
//
//   node gate.mjs <gate.json> <results.json> <command> [arguments of the command]
//
// Exit code 0: green. 100: red. Any other: the eval itself did not run.
//
// Where a branch keeps earlier results, what was measured is kept beside the results, without the texts. LLMOPS_BASELINE
// names another file with earlier ones than the gate does, LLMOPS_SUMMARY one to which is added how it was judged.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";

const RED = 100;
const UNFIT = 2;
const EPSILON = 1e-9;
// Of results that are kept: those of another form are not compared with.
const FORM = 1;

// What a row is known by from run to run: a digest of its variables and of what is asserted of it alone.
function digest(row) {
  const own = (row.testCase?.assert ?? []).filter((one) => !one?.metric);
  const about = { vars: row.vars ?? {}, ...(own.length > 0 && { assert: own }) };
  return createHash("sha256").update(JSON.stringify(sorted(about))).digest("hex").slice(0, 16);
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

// Scores by subject and metric, each with the row that it is of; `pass_rate` is 1 where every assertion passed.
function measured(results) {
  const subjects = new Map();
  for (const row of results?.results?.results ?? []) {
    const subject = row.provider?.label || row.provider?.id || "";
    if (!subjects.has(subject)) subjects.set(subject, new Map());
    const about = { row: digest(row), facts: { ...row.testCase?.metadata, ...row.vars } };
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
  for (const [who, scores] of subjects) {
    for (const [name, found] of scores) {
      const here = found.map((one) => ({ ...one, row: `${who}\n${one.row}` }));
      all.set(name, [...(all.get(name) ?? []), ...here]);
    }
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

// The quantile of Student's t with so many degrees of freedom: exact for one and two, else the expansion about the
// normal quantile of Abramowitz and Stegun, 26.7.5.
function student(share, free) {
  if (free === 1) return Math.tan(Math.PI * (share - 0.5));
  if (free === 2) return (2 * share - 1) / Math.sqrt(2 * share * (1 - share));
  const z = quantile(share);
  const parts = [
    z,
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160,
  ];
  return parts.reduce((sum, part, power) => sum + part / free ** power, 0);
}

// The mean score of each row: its repetitions are not independent of each other.
function byRow(scores) {
  const found = new Map();
  for (const { row, score } of scores) found.set(row, [...(found.get(row) ?? []), { score }]);
  return new Map([...found].map(([row, all]) => [row, mean(all)]));
}

// Both means, of the rows that both have where some are new or gone, and the words that say so; `said` is undefined
// where they have no row in common.
function common(now, before) {
  const [ours, theirs] = [byRow(now), byRow(before)];
  const both = [...ours.keys()].filter((row) => theirs.has(row));
  const steps = both.map((row) => ours.get(row) - theirs.get(row));
  if (both.length === ours.size && both.length === theirs.size) {
    return { mine: mean(now), others: mean(before), steps, said: "" };
  }
  if (both.length === 0) return { mine: mean(now), others: mean(before), steps };
  const average = (rows) => both.reduce((sum, row) => sum + rows.get(row), 0) / both.length;
  const said = ` over the ${both.length} rows of ${ours.size} that were there before`;
  return { mine: average(ours), others: average(theirs), steps, said };
}

// The mean of some numbers, and its standard error.
function spread(numbers) {
  const average = numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
  const variance = numbers.reduce((sum, one) => sum + (one - average) ** 2, 0) / (numbers.length - 1);
  return { average, error: Math.sqrt(variance / numbers.length) };
}

// By how much it scores better; `side` is -1 where less is better.
//
// With a confidence c, by how much in the worst plausible case: the lower end of a one-sided interval. The rows that
// both have are compared in pairs: with d the differences of n rows, it is mean(d) - t(c, n-1) * stdev(d) / sqrt(n).
// Without pairs it is the difference less z(c) * sqrt(se1 ** 2 + se2 ** 2). Both are Miller's, "Adding Error Bars to
// Evals" (2024, arXiv 2411.00640): paired and unpaired comparison of two models on one eval.
function better(now, before, confidence, side) {
  const { mine, others, steps } = common(now, before);
  if (confidence === undefined) return side * (mine - others);
  if (steps.length >= 2) {
    const { average, error } = spread(steps.map((step) => side * step));
    return average - student(confidence, steps.length - 1) * error;
  }
  const [ours, theirs] = [byRow(now), byRow(before)];
  if (steps.length > 0 || ours.size < 2 || theirs.size < 2) return side * (mine - others);
  const errors = [ours, theirs].map((rows) => spread([...rows.values()]).error);
  return side * (mine - others) - quantile(confidence) * Math.hypot(...errors);
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
  if (!now) {
    yield { ok: false, text: `${name} was not measured; ${against} had ${mean(before).toFixed(4)}` };
    return;
  }
  const { mine, others, said } = common(now, before);
  // what must not be much is better where it is less
  const side = gate.max?.[name] !== undefined && gate.min?.[name] === undefined ? -1 : 1;
  const allowed = tolerated(gate, name);
  const holds = better(now, before, gate.confidence, side) >= -allowed - EPSILON;
  const ok = (gate.informational ?? []).includes(name) ? undefined : holds;
  const had = `${against} had ${others.toFixed(4)}, ${allowed} is tolerated`;
  yield { ok, text: `${name} is ${mine.toFixed(4)}${said ?? ""}; ${had}` };
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
  if (gate.baseline?.branch !== undefined) yield* behindBranch(gate, all);
  else if (gate.baseline?.file !== undefined) yield* behind(gate, all);
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

// What was measured, as it is kept: no text of a row, and none of an answer.
function keep(gate, subjects) {
  const scores = (found) => ({ mean: mean(found), count: found.length, rows: Object.fromEntries(byRow(found)) });
  const each = [...subjects].map(([who, metrics]) => [
    who,
    Object.fromEntries([...metrics].map(([name, found]) => [name, scores(found)])),
  ]);
  const known = { form: FORM, of: gate.of, subjects: Object.fromEntries(each) };
  writeFileSync(gate.keep, `${JSON.stringify(sorted(known), null, 1)}\n`);
}

// The results that the branch has kept; undefined where the gate asks for none, or there are none yet. Asked before the
// eval runs: nobody pays for one that cannot be judged.
function kept(gate) {
  if (gate.baseline?.branch === undefined) return undefined;
  const told = process.env.LLMOPS_BASELINE;
  const path = told || gate.baseline.file;
  if (!told && !existsSync(path)) return undefined;
  let why;
  try {
    const found = read(path);
    why = unfit(gate.of, found);
    if (why === undefined) return found;
  } catch (error) {
    why = `it holds no results (${error.message})`;
  }
  const take = "Take it away (a CI has kept it as an artifact: delete that), or name another file in LLMOPS_BASELINE.";
  const then = `Without one the eval is judged by the rest of its gate, and the next run on ${gate.baseline.branch}`;
  const text = `${path} cannot be compared with: ${why}. ${take} ${then} that holds keeps new results.`;
  console.error(text.replace(/\s+/g, " "));
  process.exit(UNFIT);
}

// Why these results are none of this eval's; undefined where they are. Throws where they are no results at all.
function unfit(ours, found) {
  const named = (of) => `eval.${of.eval} of project ${of.project} in ${of.environment}`;
  if (found.of === undefined) throw new Error("of");
  if (["project", "environment", "eval"].some((name) => found.of[name] !== ours[name])) {
    return `it holds results of ${named(found.of)}, not of ${named(ours)}`;
  }
  if (found.form !== FORM) return undefined;
  const all = Object.values(found.subjects).flatMap((metrics) => Object.entries(metrics));
  for (const [metric, one] of all) {
    const numbers = [one.count, ...(one.count ? [one.mean] : []), ...Object.values(one.rows ?? {})];
    if (!numbers.every((n) => Number.isFinite(n))) return `${metric} has a score that is no number`;
  }
  return all.length > 0 ? undefined : "nothing was measured";
}

// Kept scores as `together` gives them; what has no rows is one row with its mean.
function remembered(found) {
  const all = new Map();
  for (const [who, metrics] of Object.entries(found.subjects)) {
    for (const [name, one] of Object.entries(metrics)) {
      const rows = one.rows ? Object.entries(one.rows) : one.count ? [["", one.mean]] : [];
      all.set(name, [...(all.get(name) ?? []), ...rows.map(([row, score]) => ({ row: `${who}\n${row}`, score }))]);
    }
  }
  return all;
}

// Against what a branch has kept. What is measured otherwise since is told and not judged: of a change to the eval itself
// the earlier results say nothing, and it could never be merged.
function* behindBranch(gate, all) {
  const { branch } = gate.baseline;
  const found = kept(gate);
  if (found === undefined) {
    const then = "nothing to compare with yet, it is judged by the rest of its gate";
    yield { text: `no earlier results of ${branch}: ${then}` };
    return;
  }
  if (found.form !== FORM) {
    yield { text: `another version kept the results of ${branch}: not compared, the next run there keeps new ones` };
    return;
  }
  const before = remembered(found);
  const [ours, theirs] = [gate.of.measures ?? {}, found.of.measures ?? {}];
  let judged = false;
  for (const [name, was] of before) {
    const now = all.get(name);
    const is = now && `${name} is ${mean(now).toFixed(4)}`;
    if (!now) yield { text: `${name} is not measured any more; ${branch} had ${mean(was).toFixed(4)}` };
    else if (ours[name] !== theirs[name]) {
      yield { text: `${is}, measured otherwise than on ${branch}: not compared` };
    } else if (common(now, was).said === undefined && !gate.fresh_rows) {
      yield { text: `${is}, of other rows than on ${branch}: not compared` };
    } else {
      judged = true;
      yield* compared(gate, name, now, was, branch);
    }
  }
  if (!judged) yield { text: `nothing could be compared with ${branch}: the eval is another one since` };
  for (const [name, now] of all) {
    if (!before.has(name)) yield { text: `${name} is ${mean(now).toFixed(4)}; ${branch} has not measured it yet` };
  }
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

function summarise(gate, lines) {
  if (!process.env.LLMOPS_SUMMARY || !gate.of) return;
  // set in: no text of a row is read as anything else
  const body = lines.map((line) => `    ${line}\n`).join("");
  appendFileSync(process.env.LLMOPS_SUMMARY, `### eval.${gate.of.eval} in ${gate.of.environment}\n\n${body}\n`);
}

function sign(ok) {
  return ok === undefined ? "-- " : ok ? "ok " : "RED";
}

const [gatePath, resultsPath, command, ...words] = process.argv.slice(2);
const gate = read(gatePath);
kept(gate);
const ran = spawnSync(command, words, { stdio: "inherit" });
if (ran.error) throw ran.error;
if ((ran.status !== 0 && ran.status !== RED) || !existsSync(resultsPath)) {
  console.error(`the eval ended with ${ran.status ?? ran.signal}, and the gate has nothing to judge`);
  process.exit(ran.status || 1);
}
const results = read(resultsPath);
const subjects = measured(results);
if (gate.keep) keep(gate, subjects);
for (const line of sliced(gate, subjects)) console.log(line);
const verdicts = [...judged(gate, subjects, unanswered(results)), ...spent(gate, results)];
const lines = verdicts.map(({ ok, text }) => `${sign(ok)} ${text.replace(/\s+/g, " ")}`);
for (const line of lines) console.log(line);
summarise(gate, lines);
const red = verdicts.some(({ ok }) => ok === false);
process.exit(red && gate.mode !== "report" ? RED : 0);
