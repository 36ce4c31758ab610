// Measures twenty-five expectations beside the same SQL typed (bench/quality.c) and writes bench/results/quality.json.
//
//   ninja -C build bench/quality && node bench/quality.mjs [RUNS]
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const build = path.resolve(process.env.TARN_BUILD ?? path.join(root, 'build'));
const runs = Number(process.argv[2] ?? 25);
const bench = path.join(build, 'bench/quality');

const measure = (rows) => {
  const load = loadavg()[0];
  const text = execFileSync(bench, [path.join(root, 'bench'), String(rows), String(runs)], { encoding: 'utf8' });
  return text.trim().split('\n').map((line) => ({ ...JSON.parse(line), load_before: load }));
};

const results = {
  command: `node bench/quality.mjs ${runs}`,
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim(),
  machine: { cpu: cpus()[0].model, cores: cpus().length, memory_gb: Math.round(totalmem() / 1e9), kernel: release() },
  note: 'tarn: binding, all 25 expectations, results, samples of what failed; typed: the statements of bench/quality.sql alone. '
    + 'Wall seconds grow with whatever else the machine does (load_before); least_cpu_s is over all threads.',
  cases: [1000, 1000000].flatMap(measure),
};
mkdirSync(path.join(root, 'bench/results'), { recursive: true });
writeFileSync(path.join(root, 'bench/results/quality.json'), `${JSON.stringify(results, null, 1)}\n`);
console.table(results.cases.map(({ case: name, rows, tarn, typed, ratio_of_best }) => ({
  name, rows, tarn_best: tarn.best_s, tarn_cpu: tarn.least_cpu_s, typed_best: typed.best_s, typed_cpu: typed.least_cpu_s, ratio_of_best,
})));
