// Consumer groups and transactions through kafkajs and kcat against the real broker, also when it is killed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import kafkajs from 'kafkajs';
import { startBroker } from '../compat/broker.js';
import { later, until } from './tarn.js';

const { Kafka, logLevel } = kafkajs;

async function open(t, options = {}) {
  const broker = await startBroker(options);
  later(t, () => broker.stop('SIGKILL'));
  return { broker, kafka: connect(broker) };
}

const connect = (broker) => new Kafka({
  brokers: [broker.address], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 20, maxRetryTime: 500, retries: 50 },
});

const dataFolder = (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tarn-e2e-'));
  later(t, () => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

async function makeTopic(kafka, topic, numPartitions) {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1 }] });
  return admin;
}

async function produce(kafka, topic, values, partitions = 1) {
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, messages: values.map((value, i) => ({ value: String(value), partition: i % partitions })) });
  await producer.disconnect();
}

// A consumer that notes what it gets and what it was assigned.
async function consume(t, kafka, topic, groupId, options = {}) {
  const consumer = kafka.consumer({
    groupId, sessionTimeout: 6000, heartbeatInterval: 200, rebalanceTimeout: 10_000, maxWaitTimeInMs: 50, ...options,
  });
  const seen = { consumer, values: [], partitions: [] };
  later(t, () => consumer.disconnect().catch(() => {}));
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => { seen.partitions = payload.memberAssignment[topic] ?? []; });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async ({ message }) => { seen.values.push(message.value.toString()); },
  });
  return seen;
}

const numbers = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
const sorted = (values) => values.map(Number).sort((a, b) => a - b);

test('a group shares partitions as members come and go', async (t) => {
  const { kafka } = await open(t);
  const admin = await makeTopic(kafka, 'shared', 6);
  later(t, () => admin.disconnect());
  const members = [await consume(t, kafka, 'shared', 'g'), await consume(t, kafka, 'shared', 'g')];
  const covered = () => sorted(members.flatMap((member) => member.partitions)).join() === '0,1,2,3,4,5';
  await until('two share', () => covered() && members.every((member) => member.partitions.length === 3));
  await produce(kafka, 'shared', numbers(0, 60), 6);
  const values = () => sorted(members.flatMap((member) => member.values));
  await until('all was read', () => values().length >= 60);
  members.push(await consume(t, kafka, 'shared', 'g'));
  await until('three share', () => covered() && members.every((member) => member.partitions.length === 2));
  await members[0].consumer.disconnect();
  members[0].partitions = [];
  await until('two are left', () => covered() && members[1].partitions.length === 3);
  await produce(kafka, 'shared', numbers(60, 120), 6);
  await until('the rest was read', () => values().length >= 120);
  assert.deepEqual(values(), numbers(0, 120));

  const [described] = (await admin.describeGroups(['g'])).groups;
  assert.equal(described.state, 'Stable');
  assert.equal(described.members.length, 2);
  assert.match(described.members[0].clientHost, /127\.0\.0\.1/);
  await assert.rejects(admin.deleteGroups(['g']), (error) => error.groups[0].errorCode === 68);
  for (const member of members.slice(1)) await member.consumer.disconnect();
  assert.equal((await admin.describeGroups(['g'])).groups[0].state, 'Empty');
  const [{ partitions }] = await admin.fetchOffsets({ groupId: 'g', topics: ['shared'] });
  assert.equal(partitions.reduce((sum, { offset }) => sum + Number(offset), 0), 120);
  assert.deepEqual((await admin.listGroups()).groups, [{ groupId: 'g', protocolType: 'consumer' }]);
  await admin.deleteGroups(['g']);
  assert.deepEqual((await admin.listGroups()).groups, []);
});

// kcat as a member of a group; `lines` has what it says about the group.
function kcatMember(t, broker, topic, instance) {
  const child = spawn('kcat', ['-b', broker.address, '-G', 'g', '-X', `group.instance.id=${instance}`,
    '-X', 'session.timeout.ms=10000', '-X', 'heartbeat.interval.ms=200', '-u', topic], { stdio: ['ignore', 'pipe', 'pipe'] });
  later(t, () => child.kill('SIGKILL'));
  const member = { child, said: '', ended: false };
  child.stderr.on('data', (data) => { member.said += data; });
  child.stdout.on('data', (data) => { member.said += data; });
  child.on('close', () => { member.ended = true; });
  return member;
}

test('groups and offsets outlive the broker', async (t) => {
  const data = dataFolder(t);
  const first = await startBroker({ data });
  later(t, () => first.stop('SIGKILL'));
  const kafka = connect(first);
  const admin = await makeTopic(kafka, 'kept', 2);
  const reader = await consume(t, kafka, 'kept', 'readers');
  await produce(kafka, 'kept', numbers(0, 20), 2);
  const offsets = async () => {
    const [{ partitions }] = await admin.fetchOffsets({ groupId: 'readers', topics: ['kept'] });
    return partitions.reduce((sum, { offset }) => sum + Math.max(Number(offset), 0), 0);
  };
  await until('all was committed', async () => reader.values.length === 20 && (await offsets()) === 20);
  const member = kcatMember(t, first, 'kept', 'one');
  const describe = async (from) => (await from.describeGroups(['g'])).groups[0];
  await until('the group is stable', async () => (await describe(admin)).state === 'Stable');
  const before = await describe(admin);
  member.child.kill('SIGKILL'); // so that it does not join again
  await admin.disconnect();
  await first.stop('SIGKILL');

  const second = await startBroker({ data, args: ['--listener', `PLAINTEXT://${first.address}`] });
  later(t, () => second.stop('SIGKILL'));
  const again = kafka.admin();
  await again.connect();
  later(t, () => again.disconnect());
  later(t, () => reader.consumer.disconnect());
  assert.deepEqual(await describe(again), before);
  await produce(kafka, 'kept', numbers(20, 40), 2);
  await until('the reader goes on', () => reader.values.length >= 40);
  assert.deepEqual(sorted(reader.values), numbers(0, 40));
});

// Reads a topic from its start until `count` values are there, and a little further: up to the end as it is now.
async function readAll(t, kafka, topic, readUncommitted) {
  const admin = kafka.admin();
  await admin.connect();
  const consumer = kafka.consumer({ groupId: `read-${Math.random()}`, readUncommitted, maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const values = [];
  await consumer.run({ eachMessage: async ({ message }) => { values.push(message.value.toString()); } });
  later(t, () => consumer.disconnect().catch(() => {}));
  later(t, () => admin.disconnect());
  return { values, stop: () => consumer.disconnect() };
}

async function transactional(t, kafka, transactionalId, transactionTimeout = 60_000) {
  const producer = kafka.producer({ transactionalId, transactionTimeout, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  later(t, () => producer.disconnect().catch(() => {}));
  return producer;
}

test('a transaction is there whole or not at all', async (t) => {
  const { kafka } = await open(t);
  const admin = await makeTopic(kafka, 'ledger', 2);
  later(t, () => admin.disconnect());
  const producer = await transactional(t, kafka, 'tx');
  const committed = await readAll(t, kafka, 'ledger', false);
  const everything = await readAll(t, kafka, 'ledger', true);
  const messages = (values) => values.map((value, i) => ({ value, partition: i % 2 }));

  const one = await producer.transaction();
  await one.send({ topic: 'ledger', messages: messages(['a', 'b']) });
  await until('open records are there for those who do not mind', () => everything.values.length === 2);
  assert.deepEqual(committed.values, []);
  await one.commit();
  await until('they are committed', () => committed.values.length === 2);

  const two = await producer.transaction();
  await two.send({ topic: 'ledger', messages: messages(['c', 'd']) });
  await two.sendOffsets({ consumerGroupId: 'g', topics: [{ topic: 'ledger', partitions: [{ partition: 0, offset: '7' }] }] });
  await two.abort();
  const three = await producer.transaction();
  await three.send({ topic: 'ledger', messages: messages(['e', 'f']) });
  await three.sendOffsets({ consumerGroupId: 'g', topics: [{ topic: 'ledger', partitions: [{ partition: 1, offset: '9' }] }] });
  await three.commit();
  await until('the third is committed', () => committed.values.length >= 4 && everything.values.length >= 6);
  assert.deepEqual([...committed.values].sort(), ['a', 'b', 'e', 'f']);
  assert.deepEqual([...everything.values].sort(), ['a', 'b', 'c', 'd', 'e', 'f']);
  const [{ partitions }] = await admin.fetchOffsets({ groupId: 'g', topics: ['ledger'] });
  const offset = (number) => partitions.find(({ partition }) => partition === number)?.offset;
  assert.equal(offset(1), '9');
  assert.ok(['-1', undefined].includes(offset(0)), `an aborted offset: ${offset(0)}`);
});

test('a new producer of the same id fences the old one', async (t) => {
  const { kafka } = await open(t);
  const admin = await makeTopic(kafka, 'fenced', 1);
  later(t, () => admin.disconnect());
  const old = await transactional(t, kafka, 'tx');
  const open1 = await old.transaction();
  await open1.send({ topic: 'fenced', messages: [{ value: 'zombie' }] });
  const fresh = await transactional(t, kafka, 'tx');
  const next = await fresh.transaction();
  await next.send({ topic: 'fenced', messages: [{ value: 'fresh' }] });
  await next.commit();
  await assert.rejects(open1.commit(), (error) => /epoch|fenced/i.test(`${error.type} ${error.message}`));
  const committed = await readAll(t, kafka, 'fenced', false);
  await until('the fresh one is read', () => committed.values.length > 0);
  assert.deepEqual(committed.values, ['fresh']);
});

test('a transaction that was open when the broker was killed is aborted in time', async (t) => {
  const data = dataFolder(t);
  const first = await startBroker({ data });
  later(t, () => first.stop('SIGKILL'));
  const admin = await makeTopic(connect(first), 'orphan', 1);
  const producer = await transactional(t, connect(first), 'tx', 1500);
  const transaction = await producer.transaction();
  await transaction.send({ topic: 'orphan', messages: [{ value: 'lost' }] });
  await admin.disconnect();
  await first.stop('SIGKILL');

  const second = await startBroker({ data });
  later(t, () => second.stop('SIGKILL'));
  const kafka = connect(second);
  await produce(kafka, 'orphan', ['plain']);
  const committed = await readAll(t, kafka, 'orphan', false);
  await until('what came behind it can be read', () => committed.values.length > 0);
  assert.deepEqual(committed.values, ['plain']);
});

test('a static member keeps its place, and its double is fenced', async (t) => {
  const { broker, kafka } = await open(t);
  const admin = await makeTopic(kafka, 'static', 2);
  later(t, () => admin.disconnect());
  const one = kcatMember(t, broker, 'static', 'one');
  await until('the first is in', () => /assigned/.test(one.said));
  const two = kcatMember(t, broker, 'static', 'two');
  await until('both are in', () => /assigned/.test(two.said));
  const members = async () => (await admin.describeGroups(['g'])).groups[0];
  await until('the group is stable', async () => (await members()).state === 'Stable');
  two.child.kill('SIGKILL');
  const before = await members();
  const back = kcatMember(t, broker, 'static', 'two');
  await until('it is back', () => /assigned/.test(back.said));
  const after = await members();
  assert.equal(after.state, 'Stable');
  assert.equal(after.members.length, 2);
  const unchanged = after.members.filter(({ memberId }) => before.members.some((member) => member.memberId === memberId));
  assert.equal(unchanged.length, 1, 'one member has a new id, the other has not noticed');
  kcatMember(t, broker, 'static', 'one');
  await until('the double has taken over', () => one.ended);
  assert.match(one.said, /fenced/i);
});
