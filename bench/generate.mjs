// Measures `tarn generate` and writes bench/results/generate.json: rows a second per core drawn into columns and written as CSV and
// JSON (bench/generate.c), and the commerce shop end to end at several scales.
//
//   ninja -C build bench/generate && node bench/generate.mjs
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const build = path.resolve(process.env.TARN_BUILD ?? path.join(root, 'build'));
const jsonLines = (text) => text.trim().split('\n').map((line) => JSON.parse(line));
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const rounds = 3;

// The median of each figure over the rounds.
function kernels() {
  const runs = Array.from({ length: rounds }, () =>
    jsonLines(execFileSync(path.join(build, 'bench/generate'), [path.join(root, 'bench/generate.yml')], { encoding: 'utf8' })).slice(1));
  return runs[0].map((first, i) => ({
    ...first,
    ...Object.fromEntries(['columns_rows_per_s', 'files_rows_per_s', 'files_mb_per_s'].map((name) => [name, median(runs.map((run) => run[i][name]))])),
  }));
}

// The shop once: wall and processor seconds.
function shop(scale, threads) {
  const data = mkdtempSync(path.join(tmpdir(), 'tarn-bench-'));
  const script = '"$0" generate --json --project "$1" --data "$2" --scale "$3" --threads "$4"';
  const start = process.hrtime.bigint();
  const done = spawnSync('/usr/bin/env', ['bash', '-c', `TIMEFORMAT='%R %U %S'; time ${script}`, path.join(build, 'src/tarn'),
    path.join(root, 'examples/commerce'), data, String(scale), String(threads)], { encoding: 'utf8' });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  rmSync(data, { recursive: true, force: true });
  if (done.status !== 0) throw new Error(done.stderr);
  const [, user, system] = done.stderr.trim().split('\n').at(-1).split(' ').map(Number);
  const entities = JSON.parse(done.stdout)[0].entities;
  const total = (name) => entities.reduce((sum, entity) => sum + entity[name], 0);
  return { scale, threads, rows: total('rows'), mb: Math.round(total('bytes') / 1e6), seconds, cpu_seconds: user + system };
}

const results = {
  command: 'node bench/generate.mjs',
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim(),
  machine: { cpu: cpus()[0].model, cores: cpus().length, memory_gb: Math.round(totalmem() / 1e9), kernel: release(), load_before: loadavg()[0] },
  note: 'rows per second are per core (processor time of one thread, median of three); seeds stand in the YAML files; wall seconds grow with whatever else the machine does (load_before)',
  per_core: kernels(),
  commerce: [shop(1, 1), shop(1, 2), shop(10, 2), shop(33, 2)],
};
mkdirSync(path.join(root, 'bench/results'), { recursive: true });
writeFileSync(path.join(root, 'bench/results/generate.json'), `${JSON.stringify(results, null, 1)}\n`);
console.table(results.per_core);
console.table(results.commerce);
