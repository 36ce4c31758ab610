// @confluentinc/kafka-javascript against `tarn broker`: admin, transactions, groups, offsets.
//
//   node test/compat/kafka_javascript.mjs FOLDER      where test/compat/kafka_javascript_build has put the package
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';
import { startBroker } from './broker.js';

const { KafkaJS, librdkafkaVersion } = createRequire(import.meta.url)(path.resolve(process.argv[2]));
const { Kafka, ErrorCodes, logLevel } = KafkaJS;
const values = Array.from({ length: 100 }, (_, number) => `record ${number}`);
const waitMs = 60_000;

async function produce(kafka) {
  const producer = kafka.producer({ kafkaJS: { transactionalId: 'javascript', acks: -1 } });
  await producer.connect();
  const send = async (transaction, messages) => transaction.send({ topic: 'javascript', messages });
  const kept = await producer.transaction();
  await send(kept, values.map((value) => ({ key: value, value, headers: { source: 'test' } })));
  await kept.commit();
  const dropped = await producer.transaction();
  await send(dropped, [{ value: 'never seen' }]);
  await dropped.abort();
  await producer.disconnect();
}

async function consume(kafka) {
  const consumer = kafka.consumer({ kafkaJS: { groupId: 'javascript', fromBeginning: true, autoCommit: true } });
  await consumer.connect();
  await consumer.subscribe({ topic: 'javascript' });
  const seen = [];
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`only ${seen.length} records came`)), waitMs);
    consumer.run({ eachMessage: async ({ message }) => {
      assert.equal(message.headers.source.toString(), 'test');
      seen.push(message.value.toString());
      if (seen.length < values.length) return;
      clearTimeout(timer);
      resolve();
    } }).catch(reject);
  });
  await consumer.disconnect(); // commits
  assert.deepEqual(seen.sort(), [...values].sort());
}

async function administer(kafka) {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 'javascript', numPartitions: 2, configEntries: [{ name: 'retention.ms', value: '-1' }] }] });
  assert.ok((await admin.listTopics()).includes('javascript'));
  const [topic] = await admin.fetchTopicMetadata({ topics: ['javascript'] });
  assert.equal(topic.partitions.length, 2);
  await produce(kafka);
  await consume(kafka);
  const offsets = await admin.fetchOffsets({ groupId: 'javascript', topics: ['javascript'] });
  const ends = await admin.fetchTopicOffsets('javascript');
  for (const { partition, offset } of offsets[0].partitions) {
    const end = ends.find((each) => each.partition === partition);
    assert.ok(Number(offset) > 0 && Number(offset) <= Number(end.high), `partition ${partition}: ${offset}`);
  }
  const { groups } = await admin.describeGroups(['javascript']);
  assert.equal(groups[0].groupId, 'javascript');
  await admin.deleteGroups(['javascript']);
  await admin.deleteTopics({ topics: ['javascript'] });
  await assert.rejects(admin.fetchTopicMetadata({ topics: ['javascript'] }), { code: ErrorCodes.ERR_UNKNOWN_TOPIC_OR_PART });
  await admin.disconnect();
}

const broker = await startBroker({ args: ['--durability', 'none', '--no-auto-create'] });
try {
  await administer(new Kafka({ kafkaJS: { brokers: [broker.address], logLevel: logLevel.NOTHING } }));
  console.log(`  ok   @confluentinc/kafka-javascript on librdkafka ${librdkafkaVersion}`);
} finally {
  await broker.stop();
}
