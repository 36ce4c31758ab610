// Measures the broker through librdkafka's own load generator and writes bench/results/broker.json: throughput by record
// size, acks and partitions, reading, and the latency of single records; beside Apache Kafka on the same machine in
// alternating runs, and beside librdkafka's mock, which keeps nothing: what this client can reach at all.
//
//   ninja -C build bench/mock_broker bench/broker_latency && node bench/broker.mjs [--rounds N] [--without-kafka] [--small]
//
// Apache Kafka comes through Maven (test/compat/apache_kafka/fetch): one KRaft node with its defaults, and again with
// flush.messages=1, the only setting in which it, too, has acks=all mean "on disk".
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startBroker } from '../test/compat/broker.js';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { values: options } = parseArgs({ options: {
  rounds: { type: 'string', default: '5' }, 'without-kafka': { type: 'boolean' }, small: { type: 'boolean' },
  only: { type: 'string', default: '' }, out: { type: 'string', default: path.join(root, 'bench/results/broker.json') },
} });
const rounds = Number(options.rounds);
const scale = options.small ? 0.1 : 1;
const startTimeoutMs = 120_000;

const built = execFileSync(path.join(root, 'test/compat/librdkafka/build'), ['-O2'], { encoding: 'utf8' }).trim();
const env = { ...process.env, LD_LIBRARY_PATH: path.join(built, 'src') };

// ---- brokers ----

async function startTarn() {
  const broker = await startBroker({ args: ['--no-auto-create'] });
  return { name: 'tarn', address: broker.address, pid: broker.process.pid, stop: () => broker.stop() };
}

function lineOf(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.on('close', (code) => reject(new Error(`it ended with ${code}: ${text}`)));
    child.stdout.on('data', (piece) => {
      text += piece;
      if (text.includes('\n')) resolve(text.split('\n')[0]);
    });
  });
}

async function startMock(topic, partitions) {
  const child = spawn(path.join(root, 'build/bench/mock_broker'), [topic, String(partitions)], { stdio: ['pipe', 'pipe', 'ignore'] });
  return { name: 'mock', address: await lineOf(child), pid: child.pid, stop: () => child.kill('SIGKILL') };
}

async function startKafka(name, extra) {
  const fetched = spawnSync(path.join(root, 'test/compat/apache_kafka/fetch'), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (fetched.status !== 0) return undefined;
  const folder = mkdtempSync(path.join(tmpdir(), 'tarn-kafka-'));
  const port = 20000 + Math.floor(Math.random() * 20000);
  const file = path.join(folder, 'server.properties');
  writeFileSync(file, [
    'process.roles=broker,controller', 'node.id=1', `controller.quorum.voters=1@127.0.0.1:${port + 1}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}`, `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names=CONTROLLER', `log.dirs=${path.join(folder, 'log')}`, 'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1', 'transaction.state.log.min.isr=1', ...extra].join('\n'));
  const java = (args) => ['-Xms1g', '-Xmx1g', '-cp', `${path.join(fetched.stdout.trim(), 'libs')}/*`, ...args];
  execFileSync('java', java(['kafka.tools.StorageTool', 'format', '-t', 'MkU3OEVBNTcwNTJENDM2Qk', '-c', file]), { stdio: 'ignore' });
  const child = spawn('java', java(['kafka.Kafka', file]), { stdio: ['ignore', 'ignore', 'ignore'] });
  const address = `127.0.0.1:${port}`;
  const deadline = Date.now() + startTimeoutMs;
  while (spawnSync('kcat', ['-b', address, '-L', '-m', '2'], { stdio: 'ignore' }).status !== 0) {
    if (Date.now() > deadline) throw new Error('Apache Kafka did not start');
  }
  return {
    name, address, pid: child.pid,
    async stop() {
      child.kill('SIGKILL');
      await new Promise((resolve) => { child.on('close', resolve); });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// ---- cases ----

const produceCases = [];
for (const size of [100, 1024])
  for (const partitions of [1, 64])
    for (const acks of [1, -1]) produceCases.push({ kind: 'produce', size, partitions, acks, count: (size === 100 ? 5_000_000 : 1_000_000) * scale });
const cases = [
  ...produceCases,
  ...[100, 1024].map((size) => ({ kind: 'consume', size, partitions: 1, count: (size === 100 ? 5_000_000 : 1_000_000) * scale })),
  { kind: 'latency', size: 100, partitions: 1, acks: 'all', rate: 10_000, seconds: options.small ? 3 : 10 },
].filter((one) => one.kind.includes(options.only));
const nameOf = ({ kind, size, partitions, acks }) => `${kind} ${size} B${acks ? `, acks ${acks === -1 ? 'all' : acks}` : ''}, ${partitions} partition${partitions > 1 ? 's' : ''}`;

const performance = path.join(built, 'examples/rdkafka_performance');
function runTool(args) {
  const done = spawnSync(performance, args, { env, encoding: 'utf8', maxBuffer: 1 << 26 });
  return done.stdout + done.stderr;
}

function createTopic(broker, topic, partitions) {
  if (broker.name === 'mock') return;
  const done = spawnSync(path.join(root, 'build/src/tarn'), ['topics', 'create', topic, '--partitions', String(partitions), '--broker', broker.address], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
}

function produce(broker, topic, { size, acks, count }) {
  const text = runTool(['-P', '-b', broker.address, '-t', topic, '-s', String(size), '-c', String(count), '-a', String(acks),
    '-X', 'linger.ms=10', '-X', 'batch.num.messages=100000', '-X', 'batch.size=1000000', '-X', 'queue.buffering.max.messages=1000000']);
  const [, delivered, failed, ms] = [...text.matchAll(/(\d+) delivered \(offset -?\d+, (\d+) failed\) in (\d+)ms/g)].at(-1);
  if (Number(delivered) !== count || failed !== '0') throw new Error(`${broker.name}: ${delivered} of ${count} delivered\n${text.slice(-500)}`);
  return { messages_per_s: Math.round(count / (ms / 1000)), mb_per_s: Math.round(count * size / ms / 1000) };
}

function consume(broker, topic, { size, count }) {
  const text = runTool(['-C', '-b', broker.address, '-t', topic, '-p', '0', '-o', 'beginning', '-c', String(count)]);
  const [, messages, ms] = [...text.matchAll(/% (\d+) messages \(\d+ bytes\) consumed in (\d+)ms/g)].at(-1);
  if (Number(messages) < count) throw new Error(`${broker.name}: ${messages} of ${count} consumed`);
  return { messages_per_s: Math.round(messages / (ms / 1000)), mb_per_s: Math.round(messages * size / ms / 1000) };
}

function latency(broker, topic, { rate, seconds, acks }) {
  const text = execFileSync(path.join(root, 'build/bench/broker_latency'), [broker.address, topic, String(rate), String(seconds), acks], { encoding: 'utf8' });
  return JSON.parse(text);
}

let topics = 0;
function measure(broker, one) {
  const topic = broker.topic ?? `bench-${++topics}`;
  createTopic(broker, topic, one.partitions);
  if (one.kind === 'latency') return latency(broker, topic, one);
  if (one.kind === 'produce') return produce(broker, topic, one);
  produce(broker, topic, { ...one, acks: 1 });
  return consume(broker, topic, one);
}

const memoryMb = (pid) => Math.round(Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]) / 1024);

// ---- the runs ----

const makers = [['tarn', startTarn], ['mock', undefined]];
if (!options['without-kafka']) {
  makers.push(['kafka', () => startKafka('kafka', [])]);
  makers.push(['kafka, flush.messages=1', () => startKafka('kafka, flush.messages=1', ['log.flush.interval.messages=1'])]);
}
const runs = [];
for (let round = 1; round <= rounds; round++) {
  for (const [name, make] of makers) {
    let broker = make && await make();
    if (make && !broker) continue;
    for (const one of cases) {
      if (name === 'mock' && one.kind !== 'produce') continue; // it keeps only the newest records
      if (name === 'mock') broker = { ...await startMock(`mock-${++topics}`, one.partitions), topic: `mock-${topics}` };
      const run = { round, broker: name, case: nameOf(one), load_before: loadavg()[0] };
      try {
        Object.assign(run, measure(broker, one), { memory_mb: memoryMb(broker.pid) });
      } catch (error) {
        run.problem = String(error.message).slice(0, 300);
      }
      runs.push(run);
      console.error(JSON.stringify(run));
      if (name === 'mock') broker.stop();
    }
    if (name !== 'mock') await broker.stop();
  }
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const table = cases.map((one) => {
  const row = { case: nameOf(one) };
  for (const [name] of makers) {
    const mine = runs.filter((run) => run.broker === name && run.case === row.case && !run.problem);
    if (mine.length === 0) continue;
    if (one.kind === 'latency') {
      row[name] = `p50 ${median(mine.map((run) => run.acknowledged_us.p50))} us, p99 ${median(mine.map((run) => run.acknowledged_us.p99))} us; ` +
        `received p50 ${median(mine.map((run) => run.received_us.p50))} us`;
    } else {
      row[name] = median(mine.map((run) => run.messages_per_s));
    }
  }
  if (row.tarn && row.mock) row.of_ceiling = Number((row.tarn / row.mock).toFixed(2));
  if (typeof row.tarn === 'number' && row.kafka) row.to_kafka = Number((row.tarn / row.kafka).toFixed(2));
  return row;
});
const results = {
  command: `node bench/broker.mjs --rounds ${rounds}${options.small ? ' --small' : ''}${options['without-kafka'] ? ' --without-kafka' : ''}`,
  date: new Date().toISOString().slice(0, 10),
  machine: { cpu: cpus()[0].model, cores: cpus().length, memory_gb: Math.round(totalmem() / 1e9), kernel: release() },
  note: 'medians; messages per second; client and broker share the cores; load_before tells what else the machine did',
  medians: table, runs,
};
mkdirSync(path.dirname(options.out), { recursive: true });
writeFileSync(options.out, `${JSON.stringify(results, null, 1)}\n`);
console.table(table);
