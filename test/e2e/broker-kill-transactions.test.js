// Exactly once over kill -9: a worker reads a topic, writes what it made of it and where it has got to in one
// transaction, while the broker is killed again and again. Whoever reads committed records sees each result once.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import kafkajs from 'kafkajs';
import { startBroker } from '../compat/broker.js';
import { later, until } from './tarn.js';

const { Kafka, logLevel } = kafkajs;
const inputs = 240;
const kills = Number(process.env.TARN_KILLS ?? 5);

const connect = (address) => new Kafka({
  brokers: [address], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 10, maxRetryTime: 100, retries: 100 },
});

// Doubles every number of `in` into `out`. A step that fails is begun again by a new producer of the same id, from
// wherever the group is then.
async function startWorker(t, kafka) {
  const admin = kafka.admin();
  await admin.connect();
  later(t, () => admin.disconnect());
  const worker = { steps: 0, failed: 0 };
  let producer;
  const getProducer = async () => {
    if (!producer) {
      const fresh = kafka.producer({ transactionalId: 'worker', transactionTimeout: 10_000, idempotent: true, maxInFlightRequests: 1 });
      await fresh.connect();
      producer = fresh;
    }
    return producer;
  };
  const consumer = kafka.consumer({ groupId: 'workers', sessionTimeout: 6000, heartbeatInterval: 200, maxWaitTimeInMs: 20 });
  later(t, () => consumer.disconnect().catch(() => {}));
  later(t, () => producer?.disconnect().catch(() => {}));
  await consumer.connect();
  await consumer.subscribe({ topic: 'in', fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      try {
        const transaction = await (await getProducer()).transaction();
        const value = String(2 * Number(message.value));
        await transaction.send({ topic: 'out', messages: [{ value, partition }, { value, partition: 1 - partition }] });
        await transaction.sendOffsets({
          consumerGroupId: 'workers',
          topics: [{ topic: 'in', partitions: [{ partition, offset: String(Number(message.offset) + 1) }] }],
        });
        await transaction.commit();
        worker.steps++;
      } catch {
        // Whether the transaction was committed is not known. A new producer ends it if it was not; the group's offset
        // then says where to go on.
        worker.failed++;
        await producer?.disconnect().catch(() => {});
        producer = null;
        const offset = await until('the group says where it is', async () => {
          try {
            await getProducer();
            const [{ partitions }] = await admin.fetchOffsets({ groupId: 'workers', topics: ['in'] });
            return partitions.find((committed) => committed.partition === partition)?.offset ?? '-1';
          } catch {
            return undefined;
          }
        });
        if (Number(offset) > Number(message.offset)) worker.steps++;
        consumer.seek({ topic: 'in', partition, offset: Number(offset) < 0 ? '0' : offset });
      }
    },
  });
  return worker;
}

test('every result is there exactly once', async (t) => {
  const data = mkdtempSync(path.join(tmpdir(), 'tarn-e2e-'));
  later(t, () => rmSync(data, { recursive: true, force: true }));
  let broker = await startBroker({ data });
  later(t, () => broker.stop('SIGKILL'));
  const address = broker.address;
  const kafka = connect(address);
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: ['in', 'out'].map((topic) => ({ topic, numPartitions: 2, replicationFactor: 1 })) });
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic: 'in', messages: Array.from({ length: inputs }, (_, i) => ({ value: String(i), partition: i % 2 })) });
  await producer.disconnect();
  await admin.disconnect();

  const worker = await startWorker(t, kafka);
  for (let i = 1; i <= kills; i++) {
    const goal = Math.floor((i * inputs) / (kills + 1));
    await until(`step ${goal}`, () => worker.steps >= goal);
    await broker.stop('SIGKILL');
    broker = await startBroker({ data, args: ['--listener', `PLAINTEXT://${address}`] });
  }

  const results = [];
  const reader = kafka.consumer({ groupId: 'readers', maxWaitTimeInMs: 20 });
  later(t, () => reader.disconnect().catch(() => {}));
  await reader.connect();
  await reader.subscribe({ topic: 'out', fromBeginning: true });
  await reader.run({ eachMessage: async ({ message }) => { results.push(Number(message.value)); } });
  await until('all results are there', () => new Set(results).size === inputs && results.length >= 2 * inputs);
  results.sort((a, b) => a - b);
  assert.deepEqual(results, Array.from({ length: 2 * inputs }, (_, i) => 2 * Math.floor(i / 2)));
  const after = kafka.admin();
  await after.connect();
  const [{ partitions }] = await after.fetchOffsets({ groupId: 'workers', topics: ['in'] });
  await after.disconnect();
  assert.deepEqual(partitions.map(({ offset }) => Number(offset)), [inputs / 2, inputs / 2]);
});
