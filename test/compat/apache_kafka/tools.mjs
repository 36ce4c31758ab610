// Apache Kafka's command-line tools against `tarn broker`, as a person would type them. Exit code 77 without Maven or Java.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startBroker } from '../broker.js';

const here = path.dirname(fileURLToPath(import.meta.url));
const fetched = spawnSync(path.join(here, 'fetch'), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
if (fetched.status !== 0) process.exit(77);
const libs = path.join(fetched.stdout.trim(), 'libs');
const broker = await startBroker();

function tool(name, args, input = '') {
  const done = spawnSync('java', ['-Xmx256m', '-cp', `${libs}/*`, name, ...args, '--bootstrap-server', broker.address],
    { encoding: 'utf8', input, timeout: 120_000 });
  assert.equal(done.status, 0, `${name} ${args.join(' ')}\n${done.stdout}\n${done.stderr}`);
  return done.stdout;
}

const topics = (...args) => tool('org.apache.kafka.tools.TopicCommand', args);
const groups = (...args) => tool('org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', args);
const configs = (...args) => tool('kafka.admin.ConfigCommand', args);
const produce = (topic, lines) => tool('org.apache.kafka.tools.ConsoleProducer', ['--topic', topic], lines);
const consume = (topic, ...args) => tool('org.apache.kafka.tools.consumer.ConsoleConsumer',
  ['--topic', topic, '--from-beginning', '--timeout-ms', '20000', ...args]);

const checks = {
  'kafka-topics': () => {
    topics('--create', '--topic', 'orders', '--partitions', '3', '--config', 'retention.ms=100000');
    assert.match(topics('--list'), /^orders$/m);
    assert.match(topics('--describe', '--topic', 'orders'), /PartitionCount: 3\s.*Configs:.*retention.ms=100000/);
    topics('--alter', '--topic', 'orders', '--partitions', '5');
    assert.match(topics('--describe', '--topic', 'orders'), /PartitionCount: 5/);
  },
  'kafka-configs': () => {
    configs('--entity-type', 'topics', '--entity-name', 'orders', '--alter', '--add-config', 'cleanup.policy=compact');
    assert.match(configs('--entity-type', 'topics', '--entity-name', 'orders', '--describe'), /cleanup.policy=compact/);
  },
  'kafka-console-producer and -consumer': () => {
    topics('--create', '--topic', 'lines', '--partitions', '1');
    produce('lines', 'one\ntwo\n');
    assert.equal(consume('lines', '--max-messages', '2', '--group', 'reader'), 'one\ntwo\n');
  },
  'kafka-consumer-groups': () => {
    assert.match(groups('--list'), /^reader$/m);
    assert.match(groups('--describe', '--group', 'reader'), /reader\s+lines\s+0\s+2\s+2\s+0/);
    groups('--group', 'reader', '--topic', 'lines', '--reset-offsets', '--to-earliest', '--execute');
    assert.match(groups('--describe', '--group', 'reader'), /reader\s+lines\s+0\s+0\s+2\s+2/);
    groups('--delete', '--group', 'reader');
  },
  'kafka-get-offsets': () => assert.match(tool('org.apache.kafka.tools.GetOffsetShell', ['--topic', 'lines']), /^lines:0:2$/m),
  'kafka-transactions': () => tool('org.apache.kafka.tools.TransactionsCommand', ['list']),
  'kafka-log-dirs': () => assert.match(tool('org.apache.kafka.tools.LogDirsCommand', ['--describe']), /"lines-0"/),
  'kafka-cluster': () => assert.match(tool('org.apache.kafka.tools.ClusterTool', ['cluster-id']), /Cluster ID/),
};

let failed = 0;
try {
  for (const [name, check] of Object.entries(checks)) {
    try {
      check();
      console.log(`  ok   ${name}`);
    } catch (error) {
      failed++;
      console.log(`  FAIL ${name}\n${String(error.message).slice(0, 1500).replace(/^/gm, '    | ')}`);
    }
  }
} finally {
  await broker.stop();
}
process.exitCode = failed ? 1 : 0;
