// Runs librdkafka's own test suite against Tarn's broker (or any other, with --bootstrap) and prints what each test came to.
//
//   node test/compat/librdkafka/run.mjs [options] [TEST...]      TEST: 0045, 0045_subscribe_update, transactions, ...
//     --ci               only the part that every change runs, in the suite's quick mode
//     --idempotent       the idempotent producer everywhere (the suite's -P)
//     --repeat N         everything N times; a test counts as passed when it passed every time
//     --lanes N          N tests at once, each lane with brokers of its own (default 2)
//     --fresh            a new broker for every test
//     --bootstrap ADDR   that broker instead of one of Tarn's
//     --json FILE        the results there; result.mjs takes them into result.md
//     --keep DIR         what each test printed there
//
// One process per test, since a failed test aborts the runner. What counts is the line that says PASSED for an entry,
// never the exit code, which is 0 for skipped tests too. Nothing is tried again. The whole list runs without the suite's
// quick mode, in which some twenty entries do nothing and say PASSED.
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startBroker } from '../broker.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const version = '4.1.0'; // what the broker says it is
const testTimeoutMs = 900_000; // 0113 takes seven minutes
const brokerKinds = ['noautocreate', 'acl', 'sasl', 'reauth', 'delay'];

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: {
    ci: { type: 'boolean' }, idempotent: { type: 'boolean' }, fresh: { type: 'boolean' },
    repeat: { type: 'string', default: '1' }, lanes: { type: 'string', default: '2' },
    bootstrap: { type: 'string' }, json: { type: 'string' }, keep: { type: 'string' },
  },
});

function readList() {
  return readFileSync(path.join(here, 'tests.txt'), 'utf8').split('\n').filter((line) => /^\d/.test(line)).map((line) => {
    const [, name, how] = line.match(/^(\S+)\s*(.*)$/);
    const [words, why] = how.split('out: ');
    const modes = words.trim().split(/\s+/).filter(Boolean);
    return { name, number: name.slice(0, 4), modes, kind: modes.find((mode) => brokerKinds.includes(mode)) ?? 'plain', why };
  });
}

// Entries with one number and one way of running are one process of the suite.
function group(entries) {
  const jobs = new Map();
  for (const entry of entries) {
    const key = `${entry.number} ${entry.modes.filter((mode) => mode !== 'ci').join(' ')}`;
    if (!jobs.has(key)) jobs.set(key, { number: entry.number, modes: entry.modes, kind: entry.kind, entries: [] });
    jobs.get(key).entries.push(entry);
  }
  return [...jobs.values()];
}

// The line of the test itself counts; the table at the end only tells which were skipped.
function findStates(output, entries) {
  return entries.map((entry) => {
    const said = output.match(new RegExp(`=+ Test ${entry.name} (PASSED|SKIPPED)`))?.[1];
    const row = output.match(new RegExp(`^\\| ${entry.name} +\\| +(\\w+) \\| +([\\d.]+)s \\|(.*)$`, 'm'));
    if (said) return { entry, state: said };
    if (row?.[1] === 'SKIPPED') return { entry, state: 'SKIPPED', failure: row[3].trim() };
    const failure = output.match(/### Test "(?!<MAIN>)[^\n]*\n[^\n]*/)?.[0] ?? output.match(/### Test "[^\n]*\n[^\n]*/)?.[0] ??
      output.trim().split('\n').slice(-3).join('\n');
    return { entry, state: 'FAILED', failure };
  });
}

// A folder of its own, since tests read test.conf and leave files where they run; links lead to what the suite brings.
function makeFolder(built, broker) {
  const top = mkdtempSync(path.join(tmpdir(), 'tarn-librdkafka-'));
  const folder = path.join(top, 'tests');
  mkdirSync(folder);
  symlinkSync(path.join(built, 'src'), path.join(top, 'src'));
  symlinkSync(path.join(built, 'tests/java'), path.join(folder, 'java'));
  writeFileSync(path.join(folder, 'Makefile'), 'java:\n\t@:\n'); // the tests build it each time; it is built already
  for (const name of ['interceptor_test', 'fixtures', 'scenarios']) symlinkSync(path.join(built, 'tests', name), path.join(folder, name));
  const lines = [`bootstrap.servers=${broker.address}`, 'broker.address.family=v4', 'test.topic.random=true'];
  for (const [name, value] of Object.entries(broker.properties ?? {})) lines.push(`${name}=${value}`);
  writeFileSync(path.join(folder, 'test.conf'), `${lines.join('\n')}\n`);
  return { top, folder };
}

// Compiles the Java programs that two tests talk to; returns the folder of Kafka's jars, or nothing without Java.
function buildJava(built) {
  const fetched = spawnSync(path.join(here, '../apache_kafka/fetch'), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (fetched.status !== 0) return undefined;
  const libs = path.join(fetched.stdout.trim(), 'libs');
  const made = spawnSync('sh', ['-c', 'ls *.class >/dev/null 2>&1 || javac -cp "$0/*" *.java', libs], { cwd: path.join(built, 'tests/java'), stdio: 'inherit' });
  return made.status === 0 ? libs : undefined;
}

function runJob(built, job, broker) {
  const { top, folder } = makeFolder(built, broker);
  const args = ['-p1', '-L', '-V', version];
  if (options.ci && !job.modes.includes('whole')) args.push('-Q');
  if (!job.modes.includes('sockem')) args.push('-E');
  if (options.idempotent) args.push('-P');
  if (job.modes.includes('noautocreate')) args.push('-s', 'noautocreate');
  const env = {
    ...process.env, TESTS: job.number, KAFKA_JARS: jars ?? '', KAFKA_PATH: path.join(here, 'kafka'), BROKERS: broker.address,
    LD_LIBRARY_PATH: `${path.join(built, 'src')}:${path.join(built, 'src-cpp')}`, ...broker.env,
  };
  const started = Date.now();
  return new Promise((resolve) => {
    const pieces = [];
    const child = spawn(path.join(built, 'tests/test-runner'), args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), testTimeoutMs);
    const kept = options.keep && path.join(options.keep, `${job.number}-${job.kind}.log`);
    if (kept) writeFileSync(kept, '');
    const take = (data) => {
      pieces.push(data);
      if (kept) appendFileSync(kept, data); // at once: a test that hangs can be looked at
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('close', () => {
      clearTimeout(timer);
      rmSync(top, { recursive: true, force: true });
      const output = Buffer.concat(pieces).toString().replace(/\x1b\[[0-9;]*m/g, '');
      resolve({ output, seconds: (Date.now() - started) / 1000 });
    });
  });
}

async function runLane(built, jobs, report) {
  const brokers = new Map();
  try {
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      let broker = options.bootstrap ? { address: options.bootstrap, stop() {} } : brokers.get(job.kind);
      if (!broker || broker.ended?.()) {
        broker = await startBroker({ kind: job.kind, partitions: 4 });
        brokers.set(job.kind, broker);
      }
      const { output, seconds } = await runJob(built, job, broker);
      const crashed = broker.ended?.() ? `\nthe broker ended: ${broker.ended()}` : '';
      for (const result of findStates(output, job.entries)) report({ ...result, seconds, crashed });
      if (options.fresh && !options.bootstrap) {
        await broker.stop();
        brokers.delete(job.kind);
      }
    }
  } finally {
    for (const broker of brokers.values()) await broker.stop();
  }
}

function makeReport(rounds) {
  const results = new Map();
  return {
    results,
    add({ entry, state, failure, seconds, crashed }) {
      const result = results.get(entry.name) ?? { name: entry.name, states: [], seconds: [], failure: undefined };
      results.set(entry.name, result);
      result.states.push(state);
      result.seconds.push(Number(seconds.toFixed(1)));
      if (failure || crashed) result.failure = `${failure ?? ''}${crashed}`;
      console.log(`  ${state.padEnd(8)}${entry.name.padEnd(48)}${seconds.toFixed(1).padStart(6)} s${rounds > 1 ? `  ${result.states.length}/${rounds}` : ''}`);
      if (result.failure && state !== 'PASSED') console.log(result.failure.replace(/^/gm, '      | '));
    },
  };
}

process.setMaxListeners(0); // one for each broker
const built = spawnSync(path.join(here, 'build'), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
if (built.status !== 0) process.exit(3);
const list = readList();
const jars = options.ci ? undefined : buildJava(built.stdout.trim());
for (const entry of list) if (entry.modes.includes('java') && !jars) entry.why = "Java or Apache Kafka's jars are not there";
const entries = list.filter((entry) => !entry.why)
  .filter((entry) => !options.ci || entry.modes.includes('ci'))
  .filter((entry) => wanted.length === 0 || wanted.some((word) => entry.name.includes(word)));
const rounds = Number(options.repeat);
const report = makeReport(rounds);
if (options.keep) mkdirSync(options.keep, { recursive: true });
const started = Date.now();
for (let round = 0; round < rounds; round++) {
  const jobs = group(entries);
  await Promise.all(Array.from({ length: Math.min(Number(options.lanes), jobs.length) }, () => runLane(built.stdout.trim(), jobs, report.add)));
}

const all = [...report.results.values()];
const always = (state) => all.filter((result) => result.states.every((each) => each === state));
const passed = always('PASSED'), skipped = always('SKIPPED');
const left = list.filter((entry) => entry.why);
for (const entry of left.filter(() => !options.ci && wanted.length === 0)) console.log(`  left out ${entry.name}: ${entry.why}`);
const summary = {
  suite: 'librdkafka 2.12.0', idempotent: Boolean(options.idempotent), rounds, cores: cpus().length,
  seconds: Math.round((Date.now() - started) / 1000),
  entries: all.length, passed: passed.length, skipped: skipped.map((result) => result.name),
  failed: all.filter((result) => !passed.includes(result) && !skipped.includes(result)).map((result) => result.name),
  left_out: Object.fromEntries(left.map((entry) => [entry.name, entry.why])), results: all,
};
if (options.json) writeFileSync(options.json, `${JSON.stringify(summary, null, 2)}\n`);
console.log(`${summary.passed} of ${summary.entries} PASSED, ${summary.failed.length} failed, ${summary.skipped.length} skipped by the suite, ` +
  `${left.length} left out (${summary.seconds} s)`);
process.exitCode = summary.failed.length || summary.skipped.length ? 1 : 0;
