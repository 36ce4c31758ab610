// kafkajs against the broker: produce, consume in a group, admin, transactions, TLS, SASL, access control.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import test from 'node:test';

import kafkajs from 'kafkajs';

import { startBroker } from './broker.js';
import { makeFolder, until } from './tarn.js';

const { Kafka, logLevel, CompressionTypes, ConfigResourceTypes } = kafkajs;
process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1';

function client(port, options = {}) {
  return new Kafka({ clientId: 'e2e', brokers: [`localhost:${port}`], logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 8 }, ...options });
}

async function produce(kafka, topic, messages, options = {}) {
  const producer = kafka.producer(options.producer);
  await producer.connect();
  const result = await producer.send({ topic, messages, acks: -1, ...options.send });
  await producer.disconnect();
  return result;
}

async function consume(kafka, topic, count, groupId = `group-${topic}`) {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50 });
  const got = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ partition, message }) => {
    got.push({ partition, offset: Number(message.offset), key: message.key?.toString(), value: message.value?.toString() ?? null,
      headers: message.headers });
  } });
  await until(`${count} messages are there`, () => got.length >= count);
  await consumer.disconnect();
  return got;
}

test('produce and consume: keys, nulls, headers, gzip, an idempotent producer, several partitions', async (t) => {
  const broker = await startBroker(t, makeFolder(t), ['--partitions', '3']);
  const kafka = client(broker.port);
  const messages = Array.from({ length: 300 }, (_, index) => ({ key: `k${index % 7}`, value: `v${index}`, headers: { n: `${index}` } }));
  await produce(kafka, 'mixed', messages.slice(0, 100));
  await produce(kafka, 'mixed', messages.slice(100, 200), { send: { compression: CompressionTypes.GZIP } });
  await produce(kafka, 'mixed', messages.slice(200), { producer: { idempotent: true } });
  await produce(kafka, 'mixed', [{ key: 'gone', value: null }]);
  const got = await consume(kafka, 'mixed', 301);
  assert.equal(got.length, 301);
  assert.deepEqual(got.map((message) => message.value).filter(Boolean).sort(), messages.map((message) => message.value).sort());
  assert.equal(got.find((message) => message.key === 'gone').value, null);
  assert.equal(got.find((message) => message.value === 'v5').headers.n.toString(), '5');
  for (const key of new Set(got.map((message) => message.key))) {
    const of = got.filter((message) => message.key === key);
    assert.equal(new Set(of.map((message) => message.partition)).size, 1);
    assert.deepEqual(of.map((message) => message.offset), of.map((message) => message.offset).sort((a, b) => a - b));
  }
});

test('a group goes on where it stopped, also after the broker was started again', async (t) => {
  const folder = makeFolder(t);
  let broker = await startBroker(t, folder);
  await produce(client(broker.port), 'resumed', [{ value: 'a' }, { value: 'b' }]);
  await consume(client(broker.port), 'resumed', 2, 'g');
  assert.equal((await broker.stop()).status, 0);
  broker = await startBroker(t, folder);
  const kafka = client(broker.port);
  await produce(kafka, 'resumed', [{ value: 'c' }]);
  assert.deepEqual((await consume(kafka, 'resumed', 1, 'g')).map((message) => message.value), ['c']);
});

test('admin: create, describe, configs, offsets, partitions, delete', async (t) => {
  const broker = await startBroker(t, makeFolder(t));
  const kafka = client(broker.port);
  const admin = kafka.admin();
  await admin.connect();
  t.after(() => admin.disconnect());
  assert.equal(await admin.createTopics({ topics: [{ topic: 'made', numPartitions: 2, replicationFactor: 3,
    configEntries: [{ name: 'retention.ms', value: '1234567' }] }] }), true);
  assert.deepEqual(await admin.listTopics(), ['made']);
  const [described] = (await admin.fetchTopicMetadata({ topics: ['made'] })).topics;
  assert.equal(described.partitions.length, 2);
  assert.ok(described.partitions.every((partition) => partition.leader === 1));
  const configs = await admin.describeConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name: 'made' }] });
  const value = (name) => configs.resources[0].configEntries.find((entry) => entry.configName === name)?.configValue;
  assert.equal(value('retention.ms'), '1234567');
  assert.equal(value('cleanup.policy'), 'delete');
  await produce(kafka, 'made', [{ partition: 0, value: 'x', timestamp: '1000000000000' }, { partition: 0, value: 'y' }]);
  const offsets = await admin.fetchTopicOffsets('made');
  assert.deepEqual(offsets.map(({ partition, low, high }) => [partition, low, high]).sort(), [[0, '0', '2'], [1, '0', '0']]);
  const later = await admin.fetchTopicOffsetsByTimestamp('made', 1000000000001);
  assert.equal(later.find(({ partition }) => partition === 0).offset, '1');
  await admin.createPartitions({ topicPartitions: [{ topic: 'made', count: 4 }] });
  assert.equal((await admin.fetchTopicMetadata({ topics: ['made'] })).topics[0].partitions.length, 4);
  await admin.deleteTopics({ topics: ['made'] });
  assert.deepEqual(await admin.listTopics(), []);
});

test('a transaction is seen whole or not at all', async (t) => {
  const broker = await startBroker(t, makeFolder(t));
  const kafka = client(broker.port);
  const producer = kafka.producer({ transactionalId: 'tx', maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  t.after(() => producer.disconnect());
  for (const [round, commit] of [true, false, true].entries()) {
    const transaction = await producer.transaction();
    await transaction.send({ topic: 'ledger', messages: [{ value: `${round}-1` }, { value: `${round}-2` }] });
    await (commit ? transaction.commit() : transaction.abort());
  }
  const got = await consume(kafka, 'ledger', 4);
  assert.deepEqual(got.map((message) => message.value), ['0-1', '0-2', '2-1', '2-2']);
});

// A certificate for localhost, made for this test alone.
function makeCertificate(folder) {
  const [key, certificate] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', certificate],
  { stdio: 'ignore' });
  return { key, certificate };
}

test('TLS and SASL listeners beside the plain one: PLAIN, SCRAM, wrong passwords', async (t) => {
  const folder = makeFolder(t);
  const { key, certificate } = makeCertificate(folder);
  const broker = await startBroker(t, folder, ['--listener', 'PLAINTEXT://localhost:0', 'SSL://localhost:0', 'SASL_PLAINTEXT://localhost:0',
    'SASL_SSL://localhost:0', '--tls-certificate', certificate, '--tls-key', key, '--user', 'alice:wonder=land,1']);
  const { readFileSync } = await import('node:fs');
  const ssl = { ca: [readFileSync(certificate)] };
  const big = 'x'.repeat(700_000);
  await produce(client(broker.ports.SSL, { ssl }), 'safe', [{ value: big }, { value: 'second' }]);
  const values = (await consume(client(broker.ports.SSL, { ssl }), 'safe', 2)).map((message) => message.value);
  assert.ok(values[0] === big && values[1] === 'second');
  for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512']) {
    // kafkajs keeps what it made of a sasl object in that object: each client gets its own
    const as = (port, username, password, options) => client(port, { sasl: { mechanism, username, password }, retry: { retries: 0 }, ...options });
    const { SASL_PLAINTEXT, SASL_SSL } = broker.ports;
    await produce(as(SASL_PLAINTEXT, 'alice', 'wonder=land,1'), 'safe', [{ value: mechanism }]);
    await produce(as(SASL_SSL, 'alice', 'wonder=land,1', { ssl }), 'safe', [{ value: mechanism }]);
    await assert.rejects(produce(as(SASL_PLAINTEXT, 'alice', 'guess'), 'safe', [{ value: 'no' }]), /invalid credentials/);
    await assert.rejects(produce(as(SASL_PLAINTEXT, 'bob', 'wonder=land,1'), 'safe', [{ value: 'no' }]), /invalid credentials/);
  }
  await assert.rejects(produce(client(broker.ports.SASL_PLAINTEXT, { retry: { retries: 0 } }), 'safe', [{ value: 'no' }]));
  await assert.rejects(produce(client(broker.ports.SSL, { retry: { retries: 0 } }), 'safe', [{ value: 'no' }]));
  assert.equal((await consume(client(broker.ports.PLAINTEXT), 'safe', 8, 'plain')).length, 8);
});

test('access control: nobody may do anything until somebody who may says so', async (t) => {
  const broker = await startBroker(t, makeFolder(t), ['--listener', 'SASL_PLAINTEXT://localhost:0', '--user', 'root:r', 'alice:a',
    '--super-user', 'root', '--authorize']);
  const as = (username, password) => client(broker.port, { sasl: { mechanism: 'plain', username, password }, retry: { retries: 0 } });
  await produce(as('root', 'r'), 'guarded', [{ value: '1' }]);
  await assert.rejects(produce(as('alice', 'a'), 'guarded', [{ value: '2' }]), /authoriz/i);
  const admin = as('root', 'r').admin();
  await admin.connect();
  t.after(() => admin.disconnect());
  await admin.createAcls({ acl: [{ resourceType: 2, resourceName: 'guarded', resourcePatternType: 3, principal: 'User:alice',
    host: '*', operation: 4, permissionType: 3 }] });
  await produce(as('alice', 'a'), 'guarded', [{ value: '2' }]);
});
