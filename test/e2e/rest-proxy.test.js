// The REST proxy of `tarn broker`: v3 topics, records, groups and lags; v2 produce and consumer instances; and that a
// Kafka client (kafkajs) sees the same records.
import assert from 'node:assert/strict';
import test from 'node:test';
import kafkajs from 'kafkajs';
import { makeFolder, startTarn, until } from './tarn.js';

const { Kafka, logLevel } = kafkajs;

async function startBroker(t) {
  const child = startTarn(t, ['broker', '--data', makeFolder(t), '--port', '0', '--registry-port', '0', '--rest-port',
    '0', '--json']);
  let text = '';
  child.stdout.on('data', (data) => { text += data; });
  await until('the broker says where it listens', () => text.includes('\n'));
  const started = JSON.parse(text.split('\n')[0]);
  const host = `http://127.0.0.1:${started.rest_port}`;
  const ask = async (method, path, body, headers = {}) => {
    const response = await fetch(path.startsWith('http') ? path : host + path, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const reply = await response.text();
    return { status: response.status, type: response.headers.get('content-type'), text: reply,
      get body() { return JSON.parse(reply); } };
  };
  const { body } = await ask('GET', '/v3/clusters');
  assert.equal(body.kind, 'KafkaClusterList');
  const cluster = `/v3/clusters/${body.data[0].cluster_id}`;
  const stop = async () => {
    child.kill('SIGINT');
    assert.equal((await child.ended).status, 0);
  };
  return { ask, cluster, started, stop };
}

const base64 = (text) => Buffer.from(text).toString('base64');

test('v3 makes, describes, changes and deletes topics', async (t) => {
  const { ask, cluster, stop } = await startBroker(t);
  const made = await ask('POST', `${cluster}/topics`, {
    topic_name: 'orders', partitions_count: 2, replication_factor: 1,
    configs: [{ name: 'cleanup.policy', value: 'compact' }],
  });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.body.kind, 'KafkaTopic');
  assert.equal(made.body.partitions_count, 2);
  assert.equal((await ask('POST', `${cluster}/topics`, { topic_name: 'orders' })).body.error_code, 40002);
  // links lead somewhere
  assert.equal((await ask('GET', made.body.metadata.self)).body.topic_name, 'orders');
  assert.equal((await ask('GET', made.body.partitions.related)).body.data.length, 2);
  const policy = `${cluster}/topics/orders/configs/cleanup.policy`;
  assert.equal((await ask('GET', policy)).body.value, 'compact');
  assert.equal((await ask('GET', policy)).body.is_default, false);
  assert.equal((await ask('PUT', policy, { value: 'delete' })).status, 204);
  assert.equal((await ask('GET', policy)).body.value, 'delete');
  assert.equal((await ask('POST', `${cluster}/topics/orders/configs:alter`,
    { data: [{ name: 'cleanup.policy', operation: 'DELETE' }, { name: 'retention.ms', value: '1000' }] })).status, 204);
  assert.equal((await ask('GET', policy)).body.is_default, true);
  assert.equal((await ask('PATCH', `${cluster}/topics/orders`, { partitions_count: 3 })).body.partitions_count, 3);
  assert.deepEqual((await ask('GET', '/topics')).body, ['orders']);
  assert.equal((await ask('GET', '/topics/orders')).body.partitions.length, 3);
  assert.equal((await ask('DELETE', `${cluster}/topics/orders`)).status, 204);
  const gone = await ask('GET', `${cluster}/topics/orders`);
  assert.deepEqual([gone.status, gone.body.error_code], [404, 40403]);
  assert.equal((await ask('GET', '/topics/orders')).body.error_code, 40401);
  assert.equal((await ask('GET', '/v3/clusters/other/topics')).status, 404);
  await stop();
});

test('v3 takes one record or a stream of them', async (t) => {
  const { ask, cluster, started, stop } = await startBroker(t);
  await ask('POST', `${cluster}/topics`, { topic_name: 'events', partitions_count: 1 });
  const records = `${cluster}/topics/events/records`;
  const one = await ask('POST', records, {
    partition_id: 0, timestamp: '2026-01-02T03:04:05Z', headers: [{ name: 'h', value: base64('v') }],
    key: { type: 'STRING', data: 'k' }, value: { type: 'JSON', data: { a: [1, 2.5] } },
  });
  assert.equal(one.status, 200, one.text);
  assert.equal(one.body.error_code, 200);
  assert.equal(one.body.offset, 0);
  assert.equal(one.body.timestamp, '2026-01-02T03:04:05Z');
  assert.deepEqual(one.body.value, { type: 'JSON', size: 13 });
  const many = await ask('POST', records, ['x', 'y', 'z']
    .map((text) => JSON.stringify({ value: { type: 'BINARY', data: base64(text) } })).join('\n'));
  assert.deepEqual(many.text.trim().split('\r\n').map((line) => JSON.parse(line).offset), [1, 2, 3]);
  const mixed = await ask('POST', records, '{"value":{"type":"BINARY","data":"?"}}{"value":{"type":"STRING","data":"w"}}');
  assert.deepEqual(mixed.text.trim().split('\r\n').map((line) => JSON.parse(line).error_code), [422, 200]);
  assert.equal((await ask('POST', records, '{')).body.error_code, 400);
  assert.equal((await ask('POST', records, { value: { type: 'AVRO', data: 1 } })).status, 422);
  // the value's schema is registered and its id stands before the bytes
  const avro = await ask('POST', records, { value: { type: 'AVRO', schema: '"int"', data: 64 } });
  assert.equal(avro.body.value.schema_id, 1);

  const kafka = new Kafka({ brokers: [started.broker], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: 'check' });
  t.after(() => consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topic: 'events', fromBeginning: true });
  const seen = [];
  await consumer.run({ eachMessage: async ({ message }) => { seen.push(message); } });
  await until('all records are seen', () => seen.length >= 6);
  assert.deepEqual([seen[0].key.toString(), seen[0].value.toString(), seen[0].headers.h.toString(), seen[0].timestamp],
    ['k', '{"a":[1,2.5]}', 'v', String(Date.UTC(2026, 0, 2, 3, 4, 5))]);
  assert.deepEqual(seen.slice(1, 5).map((message) => message.value.toString()), ['x', 'y', 'z', 'w']);
  assert.deepEqual([...seen[5].value], [0, 0, 0, 0, 1, 0x80, 1]);
  await consumer.disconnect();
  await stop();
});

const v2 = (format) => ({ 'content-type': `application/vnd.kafka.${format}.v2+json` });

test('v2 consumers read, commit and go', async (t) => {
  const { ask, cluster, stop } = await startBroker(t);
  const produced = await ask('POST', '/topics/clicks', {
    records: [{ key: 'a', value: { n: 1 } }, { value: { n: 2 }, partition: 0 }],
  }, v2('json'));
  assert.equal(produced.status, 200, produced.text);
  assert.deepEqual(produced.body.offsets.map(({ offset }) => offset), [0, 1]);
  assert.equal((await ask('POST', '/topics/clicks', { records: [] })).status, 415);

  const create = (name) => ask('POST', '/consumers/readers',
    { name, format: 'json', 'auto.offset.reset': 'earliest', 'auto.commit.enable': 'false' });
  const made = await create('one');
  assert.equal(made.body.instance_id, 'one');
  assert.equal((await create('one')).body.error_code, 40902);
  const base = made.body.base_uri;
  assert.equal((await ask('POST', `${base}/subscription`, { topics: ['clicks'] })).status, 204);
  assert.deepEqual((await ask('GET', `${base}/subscription`)).body, { topics: ['clicks'] });
  const got = [];
  await until('both records came', async () => {
    const { status, type, body } = await ask('GET', `${base}/records?timeout=500`);
    assert.equal(status, 200);
    assert.equal(type, 'application/vnd.kafka.json.v2+json');
    got.push(...body);
    return got.length >= 2;
  });
  assert.deepEqual(got, [
    { topic: 'clicks', key: 'a', value: { n: 1 }, partition: 0, offset: 0 },
    { topic: 'clicks', key: null, value: { n: 2 }, partition: 0, offset: 1 }]);
  assert.equal((await ask('POST', `${base}/offsets`, { offsets: [{ topic: 'clicks', partition: 0, offset: 0 }] })).status,
    204);
  const partitions = [{ topic: 'clicks', partition: 0 }];
  assert.deepEqual((await ask('GET', `${base}/assignments`)).body, { partitions });
  const summary = (await ask('GET', `${cluster}/consumer-groups/readers/lag-summary`)).body;
  assert.deepEqual([summary.total_lag, summary.max_lag_topic_name], [1, 'clicks']);
  const lags = (await ask('GET', `${cluster}/consumer-groups/readers/lags`)).body.data;
  assert.deepEqual([lags[0].current_offset, lags[0].log_end_offset, lags[0].lag], [1, 2, 1]);
  assert.equal((await ask('GET', `${cluster}/consumer-groups/readers`)).body.state, 'STABLE');
  assert.equal((await ask('GET', `${cluster}/consumer-groups/readers/consumers`)).body.data.length, 1);
  assert.equal((await ask('DELETE', base)).status, 204);
  assert.equal((await ask('GET', `${base}/records`)).body.error_code, 40403);
  // another one goes on behind what was committed
  const next = (await create('two')).body.base_uri;
  await ask('POST', `${next}/assignments`, { partitions });
  const rest = [];
  await until('the second record comes again', async () => {
    rest.push(...(await ask('GET', `${next}/records?timeout=500`)).body);
    return rest.length;
  });
  assert.deepEqual(rest.map(({ offset }) => offset), [1]);
  assert.equal((await ask('POST', `${next}/positions/beginning`, { partitions })).status, 204);
  const again = [];
  await until('both come again', async () => {
    again.push(...(await ask('GET', `${next}/records?timeout=500&max_bytes=10`)).body);
    return again.length >= 2;
  });
  assert.deepEqual(again.map(({ offset }) => offset), [0, 1]);
  await stop();
});
