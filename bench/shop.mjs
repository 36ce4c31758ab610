// How long the default shop takes to come up: into an empty data folder, and again with everything there. The second run
// finds the files already made and loaded and the rules on bronze unchanged; it builds and tests every model again.
//
//   node bench/shop.mjs [--runs N] [--json FILE]
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { values: options } = parseArgs({ options: { runs: { type: 'string', default: '5' }, json: { type: 'string' } } });
const tarn = process.env.TARN ?? path.join(root, 'build/src/tarn');

function up(project) {
  const start = performance.now();
  const done = spawnSync(tarn, ['up', '--batch', '--project', project], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`tarn up ended with ${done.status}: ${done.stderr}`);
  return Number(((performance.now() - start) / 1000).toFixed(2));
}

function oneRun() {
  const project = path.join(mkdtempSync(path.join(tmpdir(), 'tarn-bench-')), 'commerce');
  cpSync(path.join(root, 'examples/commerce'), project, { recursive: true, filter: (file) => path.basename(file) !== '.tarn' });
  const load = Number(loadavg()[0].toFixed(2));
  const run = { load, firstSeconds: up(project), againSeconds: up(project) };
  rmSync(path.dirname(project), { recursive: true, force: true });
  console.log(run);
  return run;
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const runs = Array.from({ length: Number(options.runs) }, oneRun);
const result = {
  command: `node bench/shop.mjs --runs ${options.runs}`,
  note: 'wall seconds of `tarn up --batch`, report included; the seed is the project\'s own',
  machine: { cpu: cpus()[0].model, cores: cpus().length, memoryGb: Math.round(totalmem() / 1e9), kernel: release() },
  runs, firstSeconds: median(runs.map((run) => run.firstSeconds)), againSeconds: median(runs.map((run) => run.againSeconds)),
};
console.log(`first ${result.firstSeconds} s, again ${result.againSeconds} s`);
if (options.json) writeFileSync(options.json, `${JSON.stringify(result, null, 1)}\n`);
