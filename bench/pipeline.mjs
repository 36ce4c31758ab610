#!/usr/bin/env node
// The whole shop from raw files to gold tables, checks included, against plain DuckDB over the same files in the same run.
//
//   node bench/pipeline.mjs [--orders N] [--runs K] [--threads T] [--memory SIZE] [--keep DIR] [--json FILE]
//
// Tarn runs its own commands (ingest, quality, build, quality) on examples/commerce. The peer runs the same SQL typed into
// DuckDB 1.5.6 with a database file: CREATE TABLE over read_csv/read_json/read_parquet for bronze, every model's compiled SQL
// as CREATE TABLE or CREATE VIEW in the same order, every dbt test's SQL, and the quality engine's own statements as
// they were traced. The peer keeps tables in its own format; Tarn writes Iceberg, syncs and commits every table.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { values: options } = parseArgs({
  options: {
    orders: { type: 'string', default: '3334000' },
    runs: { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
    memory: { type: 'string', default: '4GB' },
    keep: { type: 'string' },
    json: { type: 'string' },
  },
});
const tarn = process.env.TARN ?? path.join(root, 'build/src/tarn');
const peer = path.join(root, 'build/bench/sql_run');
const work = options.keep ?? mkdtempSync(path.join(tmpdir(), 'tarn-bench-'));
const project = path.join(work, 'commerce');
const data = path.join(work, 'data');

// Wall seconds, the largest process's peak memory in MB, and what it printed, by /usr/bin/time.
function timed(command, args, env = {}) {
  const report = path.join(work, 'time.txt');
  const start = process.hrtime.bigint();
  const done = spawnSync('/usr/bin/time', ['-o', report, '-f', '%M %U %S', command, ...args],
    { env: { ...process.env, ...env }, encoding: 'utf8', maxBuffer: 1 << 30 });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  if (done.status > 1) throw new Error(`${command} ${args.join(' ')}: exit ${done.status}\n${done.stderr}`);
  const [kilobytes, user, system] = readFileSync(report, 'utf8').trim().split('\n').pop().split(' ').map(Number);
  return { seconds, peakMb: kilobytes / 1024, cpuSeconds: user + system, output: done.stdout };
}

const common = ['--project', project, '--data', data, '--quiet'];
const limits = ['--threads', options.threads, '--memory-limit', options.memory];

function directoryBytes(directory) {
  return readdirSync(directory, { withFileTypes: true }).reduce((sum, entry) => {
    const name = path.join(directory, entry.name);
    return sum + (entry.isDirectory() ? directoryBytes(name) : statSync(name).size);
  }, 0);
}

// ---- Tarn ---------------------------------------------------------------------------------------------------------

function runTarn(trace) {
  for (const name of ['lake', 'tmp', 'state.db', 'state.db-wal', 'state.db-shm', 'log']) {
    rmSync(path.join(data, name), { recursive: true, force: true });
  }
  const phases = {};
  const phase = (name, args, env) => {
    phases[name] = timed(tarn, [...args, ...common, ...limits], env);
    delete phases[name].output;
  };
  phase('ingest', ['ingest']);
  phase('quality on bronze', ['quality', '--layer', 'bronze'], trace ? { TARN_TRACE_SQL: path.join(work, 'bronze.sql') } : {});
  phase('build', ['build']);
  const traceGold = trace ? { TARN_TRACE_SQL: path.join(work, 'gold.sql') } : {};
  phase('quality on silver', ['quality', '--layer', 'silver'], traceGold);
  phase('quality on gold', ['quality', '--layer', 'gold'], traceGold);
  const all = Object.values(phases);
  return {
    phases,
    seconds: all.reduce((sum, one) => sum + one.seconds, 0),
    peakMb: Math.max(...all.map((one) => one.peakMb)),
    cpuSeconds: all.reduce((sum, one) => sum + one.cpuSeconds, 0),
  };
}

// ---- the peer -----------------------------------------------------------------------------------------------------

const quote = (text) => `'${text.replaceAll("'", "''")}'`;

function bronzeSql() {
  const landing = path.join(data, 'landing');
  const steps = ['-- @ schemas\nCREATE SCHEMA IF NOT EXISTS bronze; CREATE SCHEMA IF NOT EXISTS quarantine; '
    // the counts look here; a reader in DuckDB leaves bad lines out without keeping them
    + 'CREATE OR REPLACE TABLE bronze.rejected_rows (_file VARCHAR, _line BIGINT, entity VARCHAR, reason VARCHAR, raw VARCHAR); '
    + 'CREATE OR REPLACE TABLE bronze.rejected_files (_file VARCHAR, entity VARCHAR, reason VARCHAR, size_bytes BIGINT);'];
  for (const source of readdirSync(landing)) {
    for (const entity of readdirSync(path.join(landing, source))) {
      const glob = quote(path.join(landing, source, entity, '*', '*'));
      const first = readdirSync(path.join(landing, source, entity)).sort()
        .flatMap((day) => readdirSync(path.join(landing, source, entity, day)))[0];
      const common = 'filename = true, union_by_name = true';
      const reader = {
        '.csv': `read_csv(${glob}, all_varchar = true, header = true, ignore_errors = true, ${common})`,
        '.json': `read_json(${glob}, ignore_errors = true, ${common})`,
        '.ndjson': `read_json(${glob}, format = 'newline_delimited', ignore_errors = true, ${common})`,
        '.jsonl': `read_json(${glob}, format = 'newline_delimited', ignore_errors = true, ${common})`,
        '.parquet': `read_parquet(${glob}, ${common})`,
      }[path.extname(first)];
      const text = path.extname(first).includes('json') ? 'CAST(COLUMNS(* EXCLUDE (filename)) AS VARCHAR)' : '* EXCLUDE (filename)';
      steps.push(`-- @ bronze.${entity}
CREATE OR REPLACE TABLE bronze."${entity}" AS
SELECT ${text}, substr(filename, ${landing.length + 2}) AS _file, row_number() OVER () AS _line, 'bench' AS _load_id,
       TIMESTAMP '2026-11-01' AS _loaded_at, CAST(regexp_extract(filename, '(\\d{4}-\\d{2}-\\d{2})', 1) AS DATE) AS _arrived_on
FROM ${reader};`);
    }
  }
  return steps;
}

// The statements of the quality engine as they were traced; what it writes with COPY becomes a table.
function tracedSql(file, label) {
  if (!existsSync(file)) return [];
  const statements = readFileSync(file, 'utf8').split(/^-- @ [\d.]+ s\n-- cpu [\d.]+ s$/m).map((text) => text.trim().replace(/;$/, ''));
  return statements.flatMap((sql, index) => {
    if (!/^\s*(SELECT|WITH|FROM|COPY|CREATE( OR REPLACE)? (TEMP|TABLE memory\.))/i.test(sql) || sql.includes('tarn_source')) return [];
    const copy = sql.match(/^COPY \((.*)\) TO '[^']*'.*$/is);
    if (!copy) return [`-- @ ${label} ${index}\n${sql};`];
    const target = sql.match(/\/lake\/(\w+)\/(\w+)\/data/);
    return target ? [`-- @ ${label} ${target[1]}.${target[2]}\nCREATE OR REPLACE TABLE "${target[1]}"."${target[2]}" AS ${copy[1]};`] : [];
  });
}

function inOrder(nodes) {
  const done = new Set();
  const ordered = [];
  const visit = (id) => {
    if (done.has(id) || !nodes[id]) return;
    done.add(id);
    for (const parent of nodes[id].depends_on?.nodes ?? []) visit(parent);
    ordered.push(nodes[id]);
  };
  Object.keys(nodes).sort().forEach(visit);
  return ordered;
}

function modelSql() {
  const manifest = JSON.parse(readFileSync(path.join(project, 'target/manifest.json'), 'utf8'));
  const steps = [];
  for (const node of inOrder(manifest.nodes)) {
    const name = `"${node.schema}"."${node.alias ?? node.name}"`;
    if (node.resource_type === 'seed') {
      steps.push(`-- @ seed ${node.name}\nCREATE SCHEMA IF NOT EXISTS "${node.schema}"; CREATE OR REPLACE TABLE ${name} AS FROM read_csv(${quote(path.join(project, node.original_file_path))}, header = true);`);
    } else if (node.resource_type === 'model' && node.config.materialized !== 'ephemeral') {
      const kind = node.config.materialized === 'view' ? 'VIEW' : 'TABLE';
      steps.push(`-- @ model ${node.name}\nCREATE SCHEMA IF NOT EXISTS "${node.schema}"; CREATE OR REPLACE ${kind} ${name} AS ${node.compiled_code};`);
    } else if (node.resource_type === 'test') {
      steps.push(`-- @ test ${node.name}\nSELECT count(*) FROM (${node.compiled_code});`);
    }
  }
  return steps;
}

function runPeer() {
  const database = path.join(work, 'tarn.duckdb'); // its name is the catalog's, so that "tarn"."silver"."x" is found
  const script = path.join(work, 'peer.sql');
  const steps = [...bronzeSql(), ...tracedSql(path.join(work, 'bronze.sql'), 'quality'), ...modelSql(),
    ...tracedSql(path.join(work, 'gold.sql'), 'quality')];
  writeFileSync(script, steps.join('\n'));
  rmSync(database, { force: true });
  const run = timed(peer, [database, script, '--threads', options.threads, '--memory-limit', options.memory]);
  const phases = {};
  for (const line of run.output.trim().split('\n')) {
    const [seconds, label] = line.split('\t');
    const kind = label.split(/[ .]/)[0];
    phases[kind] = (phases[kind] ?? 0) + Number(seconds);
  }
  return { phases, seconds: run.seconds, peakMb: run.peakMb, cpuSeconds: run.cpuSeconds };
}

// ---- the run ------------------------------------------------------------------------------------------------------

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

mkdirSync(work, { recursive: true });
if (!existsSync(project)) cpSync(path.join(root, 'examples/commerce'), project, { recursive: true, filter: (from) => !/\/(\.tarn|target)(\/|$)/.test(from) });
const generated = timed(tarn, ['generate', '--set', `orders=${options.orders}`, ...common]);
const rawMb = directoryBytes(path.join(data, 'landing')) / 1e6;
console.log(`raw files: ${rawMb.toFixed(0)} MB, generated in ${generated.seconds.toFixed(1)} s`);

const runs = [];
for (let i = 0; i < Number(options.runs); i++) {
  if (i === 0) {
    for (const file of ['bronze.sql', 'gold.sql']) rmSync(path.join(work, file), { force: true });
    runTarn(true); // also warms the page cache for both
  }
  const ours = runTarn(false);
  const theirs = runPeer();
  runs.push({ tarn: ours, duckdb: theirs, ratio: ours.seconds / theirs.seconds });
  console.log(`run ${i + 1}: tarn ${ours.seconds.toFixed(2)} s (${ours.peakMb.toFixed(0)} MB), duckdb ${theirs.seconds.toFixed(2)} s ` +
    `(${theirs.peakMb.toFixed(0)} MB), ratio ${(ours.seconds / theirs.seconds).toFixed(2)}`);
}
const summary = {
  command: `node bench/pipeline.mjs ${process.argv.slice(2).join(' ')}`,
  machine: { cpu: cpus()[0].model, cores: cpus().length, memoryGb: Math.round(totalmem() / 1e9), kernel: release() },
  seed: Number(/^seed: (\d+)/m.exec(readFileSync(path.join(project, 'sources/shop.yml'), 'utf8'))[1]),
  orders: Number(options.orders), rawMb, runs,
  median: {
    tarnSeconds: median(runs.map((run) => run.tarn.seconds)),
    duckdbSeconds: median(runs.map((run) => run.duckdb.seconds)),
    ratio: median(runs.map((run) => run.ratio)),
    tarnPeakMb: Math.max(...runs.map((run) => run.tarn.peakMb)),
  },
};
console.log(JSON.stringify(summary.median));
if (options.json) writeFileSync(options.json, `${JSON.stringify(summary, null, 1)}\n`);
if (!options.keep) rmSync(work, { recursive: true, force: true });
