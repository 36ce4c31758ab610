// What admin tools do, through kafkajs against the real broker: topics, configs, partitions, records, access control
// lists; and that all of it is still there after kill -9.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import kafkajs from 'kafkajs';
import { startBroker } from '../compat/broker.js';

const {
  Kafka, logLevel, ConfigResourceTypes, AclResourceTypes, AclOperationTypes, AclPermissionTypes, ResourcePatternTypes,
} = kafkajs;
const TOPIC = ConfigResourceTypes.TOPIC;
const DEFAULT_CONFIG = 5, TOPIC_CONFIG = 1;

async function open(t, options = {}) {
  const broker = await startBroker(options);
  t.after(() => broker.stop('SIGKILL'));
  const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  const admin = kafka.admin();
  await admin.connect();
  t.after(() => admin.disconnect());
  return { broker, kafka, admin };
}

const dataFolder = (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tarn-e2e-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

const failsWith = (type, action) => assert.rejects(action, (error) => {
  // kafkajs wraps what it retries, and lists what is wrong with each partition
  const inner = error.cause ?? error;
  const found = error.type ?? inner.type ?? inner.errors?.[0]?.type ?? inner.partitions?.[0]?.error.type;
  assert.equal(found, type, error.message);
  return true;
});

async function configs(admin, topic, configNames) {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: true, resources: [{ type: TOPIC, name: topic, ...(configNames ? { configNames } : {}) }],
  });
  return Object.fromEntries(resources[0].configEntries.map((entry) => [entry.configName, entry]));
}

test('topics are created, grown, described and deleted', async (t) => {
  const { admin } = await open(t);
  await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 2 }, { topic: 'other' }] });
  assert.equal(await admin.createTopics({ topics: [{ topic: 'orders' }] }), false); // it is there
  await admin.createPartitions({ topicPartitions: [{ topic: 'orders', count: 4 }] });
  await failsWith('INVALID_PARTITIONS', () => admin.createPartitions({ topicPartitions: [{ topic: 'orders', count: 3 }] }));
  const { topics } = await admin.fetchTopicMetadata({ topics: ['orders'] });
  assert.deepEqual(topics[0].partitions.map((one) => [one.partitionId, one.leader]).sort(), [[0, 1], [1, 1], [2, 1], [3, 1]]);
  await admin.deleteTopics({ topics: ['other'] });
  await failsWith('UNKNOWN_TOPIC_OR_PARTITION', () => admin.deleteTopics({ topics: ['other'] }));
  assert.deepEqual(await admin.listTopics(), ['orders']);
  const cluster = await admin.describeCluster();
  assert.equal(cluster.controller, 1);
  assert.equal(cluster.brokers.length, 1);
});

test('configs say value, source and default; altering replaces all that was set', async (t) => {
  const { admin } = await open(t);
  await admin.createTopics({
    topics: [{ topic: 'orders', configEntries: [{ name: 'retention.ms', value: '1000' }] }],
  });
  const all = await configs(admin, 'orders');
  assert.ok(Object.keys(all).length > 25);
  assert.equal(all['retention.ms'].configValue, '1000');
  assert.equal(all['retention.ms'].configSource, TOPIC_CONFIG);
  assert.deepEqual(all['retention.ms'].configSynonyms.map((one) => [one.configName, one.configValue, one.configSource]),
    [['retention.ms', '1000', TOPIC_CONFIG], ['log.retention.ms', '604800000', DEFAULT_CONFIG]]);
  assert.equal(all['cleanup.policy'].configValue, 'delete');
  assert.equal(all['cleanup.policy'].configSource, DEFAULT_CONFIG);
  assert.deepEqual(Object.keys(await configs(admin, 'orders', ['segment.ms'])), ['segment.ms']);

  const alter = (...configEntries) => admin.alterConfigs({
    validateOnly: false, resources: [{ type: TOPIC, name: 'orders', configEntries }],
  });
  await alter({ name: 'cleanup.policy', value: 'compact' });
  const altered = await configs(admin, 'orders');
  assert.equal(altered['cleanup.policy'].configValue, 'compact');
  assert.equal(altered['retention.ms'].configValue, '604800000');
  await failsWith('INVALID_CONFIG', () => alter({ name: 'retention.ms', value: 'soon' }));
  await failsWith('INVALID_CONFIG', () => alter({ name: 'no.such.config', value: '1' }));
  await failsWith('INVALID_REQUEST', () => alter({ name: 'segment.ms', value: '1' }, { name: 'segment.ms', value: '2' }));
  await failsWith('UNKNOWN_TOPIC_OR_PARTITION', () => configs(admin, 'nothing'));

  const { resources } = await admin.describeConfigs({ resources: [{ type: ConfigResourceTypes.BROKER, name: '1' }] });
  const broker = Object.fromEntries(resources[0].configEntries.map((entry) => [entry.configName, entry]));
  assert.equal(broker['default.replication.factor'].configValue, '1');
  assert.equal(broker['num.partitions'].readOnly, true);
});

test('records are deleted up to an offset', async (t) => {
  const { kafka, admin } = await open(t);
  await admin.createTopics({ topics: [{ topic: 'orders' }] });
  const producer = kafka.producer();
  await producer.connect();
  for (let i = 0; i < 5; i += 1) await producer.send({ topic: 'orders', messages: [{ value: String(i) }] });
  await producer.disconnect();
  assert.equal((await admin.fetchTopicOffsets('orders'))[0].low, '0');
  const remove = (offset) => admin.deleteTopicRecords({ topic: 'orders', partitions: [{ partition: 0, offset }] });
  await remove('3');
  assert.deepEqual(await admin.fetchTopicOffsets('orders'), [{ partition: 0, offset: '5', high: '5', low: '3' }]);
  await failsWith('OFFSET_OUT_OF_RANGE', () => remove('6'));
  await remove('-1');
  assert.deepEqual(await admin.fetchTopicOffsets('orders'), [{ partition: 0, offset: '5', high: '5', low: '5' }]);
});

test('what an administrator did outlives kill -9', async (t) => {
  const data = dataFolder(t);
  const acl = {
    resourceType: AclResourceTypes.TOPIC, resourceName: 'ord', resourcePatternType: ResourcePatternTypes.PREFIXED,
    principal: 'User:alice', host: '*', operation: AclOperationTypes.READ, permissionType: AclPermissionTypes.ALLOW,
  };
  const any = {
    resourceType: AclResourceTypes.ANY, resourcePatternType: ResourcePatternTypes.ANY,
    operation: AclOperationTypes.ANY, permissionType: AclPermissionTypes.ANY,
  };
  const first = await open(t, { data });
  await first.admin.createTopics({ topics: [{ topic: 'orders' }, { topic: 'gone' }] });
  await first.admin.alterConfigs({
    validateOnly: false, resources: [{ type: TOPIC, name: 'orders', configEntries: [{ name: 'retention.ms', value: '2000' }] }],
  });
  await first.admin.createPartitions({ topicPartitions: [{ topic: 'orders', count: 3 }] });
  await first.admin.deleteTopics({ topics: ['gone'] });
  await first.admin.createAcls({ acl: [acl, { ...acl, principal: 'User:bob' }] });
  const removed = await first.admin.deleteAcls({ filters: [{ ...any, principal: 'User:bob' }] });
  assert.equal(removed.filterResponses[0].matchingAcls.length, 1);
  await first.broker.stop('SIGKILL');

  const { admin } = await open(t, { data });
  assert.deepEqual(await admin.listTopics(), ['orders']);
  assert.equal((await configs(admin, 'orders'))['retention.ms'].configValue, '2000');
  assert.equal((await admin.fetchTopicOffsets('orders')).length, 3);
  const { resources } = await admin.describeAcls(any);
  assert.deepEqual(resources.map((one) => [one.resourceName, one.acls.map((entry) => entry.principal)]), [['ord', ['User:alice']]]);
});

test('without rights nothing is shown or changed', async (t) => {
  const { admin } = await open(t, { args: ['--authorize'] });
  await failsWith('CLUSTER_AUTHORIZATION_FAILED', () => admin.describeAcls({
    resourceType: AclResourceTypes.ANY, resourcePatternType: ResourcePatternTypes.ANY,
    operation: AclOperationTypes.ANY, permissionType: AclPermissionTypes.ANY,
  }));
  await failsWith('TOPIC_AUTHORIZATION_FAILED', () => admin.createTopics({ topics: [{ topic: 'orders' }] }));
  await failsWith('TOPIC_AUTHORIZATION_FAILED', () => configs(admin, 'orders'));
});

test('an entry gives the right that it names, and an idempotent producer needs no other', async (t) => {
  const broker = await startBroker({
    args: ['--authorize', '--super-user', 'admin', '--listener', 'SASL_PLAINTEXT://127.0.0.1:0', '--user', 'admin:a', '--user', 'alice:b'],
  });
  t.after(() => broker.stop('SIGKILL'));
  const as = (username, password) => new Kafka({
    brokers: [broker.address], logLevel: logLevel.NOTHING, retry: { retries: 0 }, ssl: false, sasl: { mechanism: 'plain', username, password },
  });
  const admin = as('admin', 'a').admin();
  await admin.connect();
  t.after(() => admin.disconnect());
  await admin.createTopics({ topics: [{ topic: 'orders' }, { topic: 'secrets' }] });
  const send = async (topic) => {
    const producer = as('alice', 'b').producer({
      idempotent: true, maxInFlightRequests: 1, retry: { retries: 2, initialRetryTime: 10 },
    });
    await producer.connect();
    try {
      await producer.send({ topic, messages: [{ value: 'x' }] });
    } finally {
      await producer.disconnect();
    }
  };
  await assert.rejects(() => send('orders'));
  await admin.createAcls({
    acl: [{
      resourceType: AclResourceTypes.TOPIC, resourceName: 'orders', resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: 'User:alice', host: '*', operation: AclOperationTypes.WRITE, permissionType: AclPermissionTypes.ALLOW,
    }],
  });
  await send('orders');
  await assert.rejects(() => send('secrets'));
  const offsets = async (topic) => (await admin.fetchTopicOffsets(topic))[0].offset;
  assert.deepEqual([await offsets('orders'), await offsets('secrets')], ['1', '0']);
});
