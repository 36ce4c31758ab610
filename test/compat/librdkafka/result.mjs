// Takes what run.mjs wrote with --json into the list beside this file, result.md: what each entry came to when it was last run.
//
//   node test/compat/librdkafka/result.mjs RESULTS.json...
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const file = new URL('result.md', import.meta.url);
const modes = ['plain', 'idempotent'];

function readRows() {
  const rows = new Map();
  if (!existsSync(file)) return rows;
  for (const line of readFileSync(file, 'utf8').split('\n').filter((each) => /^\| \d/.test(each))) {
    const [name, ...cells] = line.split('|').slice(1, -1).map((cell) => cell.trim());
    rows.set(name, Object.fromEntries(modes.map((mode, index) => [mode, { state: cells[2 * index], seconds: cells[2 * index + 1] }])));
  }
  return rows;
}

function take(rows, summary) {
  const mode = summary.idempotent ? 'idempotent' : 'plain';
  for (const { name, states, seconds } of summary.results) {
    const row = rows.get(name) ?? Object.fromEntries(modes.map((each) => [each, { state: 'not run', seconds: '' }]));
    const passed = states.filter((state) => state === 'PASSED').length;
    const state = passed === states.length ? 'PASSED' : states.find((each) => each !== 'PASSED');
    row[mode] = { state: states.length === 1 ? state : `${state} (${passed} of ${states.length})`, seconds: Math.max(...seconds).toFixed(1) };
    rows.set(name, row);
  }
}

const summaries = process.argv.slice(2).map((name) => JSON.parse(readFileSync(name, 'utf8')));
if (summaries.length === 0) throw new Error('result.mjs: name the files that run.mjs wrote with --json');
const rows = readRows();
for (const summary of summaries) take(rows, summary);
const { suite, left_out: leftOut } = summaries.at(-1);
const names = [...rows.keys()].sort();
const count = (mode) => names.filter((name) => rows.get(name)[mode].state.startsWith('PASSED')).length;
const line = (name) => `| ${[name, ...modes.flatMap((mode) => [rows.get(name)[mode].state, rows.get(name)[mode].seconds])].join(' | ')} |`;
writeFileSync(file, [
  `# ${suite}: what each entry of its test suite came to`, '',
  'Written by `result.mjs` from runs of `run.mjs` on two cores. Entries of one number that are run alike are one process, and',
  'each shows its seconds. A row is the last run of its entry: earlier ones, also failed ones, are not kept. `idempotent` is the suite\'s `-P`: the idempotent producer everywhere.', '',
  ...modes.map((mode) => `- ${mode}: ${count(mode)} of ${names.length} PASSED`), '',
  '| Entry | Plain | Seconds | Idempotent | Seconds |', '|---|---|---|---|---|', ...names.map(line), '',
  '## Left out', '', ...Object.entries(leftOut).filter(([name]) => !rows.has(name)).map(([name, why]) => `- ${name}: ${why}`), '',
].join('\n'));
