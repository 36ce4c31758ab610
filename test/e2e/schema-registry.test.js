// The schema registry of `tarn broker`, through a client nobody here wrote (@kafkajs/confluent-schema-registry) and
// over plain HTTP: what is registered survives a restart, errors have Confluent's codes, and Avro values that Tarn's
// peer (avsc) writes are the ones Tarn reads.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import kafkajs from 'kafkajs';
import confluent from '@kafkajs/confluent-schema-registry';
import { makeFolder, startTarn, until } from './tarn.js';

const { SchemaRegistry, SchemaType } = confluent;
const { Kafka, logLevel } = kafkajs;

async function startBroker(t, folder) {
  const child = startTarn(t, ['broker', '--data', folder, '--port', '0', '--registry-port', '0', '--json']);
  let text = '';
  child.stdout.on('data', (data) => { text += data; });
  await until('the broker says where it listens', () => text.includes('\n'));
  const started = JSON.parse(text.split('\n')[0]);
  return {
    host: `http://127.0.0.1:${started.registry_port}`,
    broker: started.broker,
    async stop() {
      child.kill('SIGINT');
      assert.equal((await child.ended).status, 0);
    },
  };
}

async function ask(host, method, path, body) {
  const response = await fetch(host + path, {
    method,
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, type: response.headers.get('content-type'), body: text ? JSON.parse(text) : null };
}

const avro = (schema) => ({ schema: JSON.stringify(schema) });
const record = (fields) => ({ type: 'record', name: 'Order', namespace: 'shop', fields });
const id = { name: 'id', type: 'long' };
const total = { name: 'total', type: ['null', 'double'], default: null };
const note = { name: 'note', type: 'string' };

test('a foreign client registers, encodes and decodes', async (t) => {
  const { host, stop } = await startBroker(t, makeFolder(t));
  const registry = new SchemaRegistry({ host });
  const schema = { type: SchemaType.AVRO, schema: JSON.stringify(record([id, total])) };
  const first = await registry.register(schema, { subject: 'orders-value' });
  assert.equal(first.id, 1);
  assert.equal((await registry.register(schema, { subject: 'copies-value' })).id, 1);
  assert.equal(await registry.getLatestSchemaId('orders-value'), 1);
  assert.equal(await registry.getRegistryIdBySchema('orders-value', schema), 1);
  const encoded = await registry.encode(1, { id: 7, total: 1.5 });
  assert.equal(encoded.readUInt8(0), 0);
  assert.equal(encoded.readInt32BE(1), 1);
  // another client, which has to ask the registry for the schema
  const decoded = await new SchemaRegistry({ host }).decode(encoded);
  assert.equal(decoded.id, 7);
  assert.equal(decoded.total, 1.5);

  const json = await registry.register({
    type: SchemaType.JSON,
    schema: JSON.stringify({ type: 'object', properties: { a: { type: 'integer' } }, additionalProperties: false }),
  }, { subject: 'events-value' });
  const event = await registry.encode(json.id, { a: 1 });
  assert.deepEqual(await new SchemaRegistry({ host }).decode(event), { a: 1 });
  await assert.rejects(registry.encode(json.id, { a: 'x' }));
  await stop();
});

test('schemas, deletions and settings survive a restart', async (t) => {
  const folder = makeFolder(t);
  const first = await startBroker(t, folder);
  const register = (host, subject, fields) => ask(host, 'POST', `/subjects/${subject}/versions`, avro(record(fields)));
  assert.equal((await register(first.host, 'a', [id])).body.id, 1);
  assert.equal((await register(first.host, 'a', [id, total])).body.id, 2);
  assert.equal((await register(first.host, 'b%2Fc', [id])).body.id, 1);
  assert.equal((await ask(first.host, 'DELETE', '/subjects/a/versions/1')).body, 1);
  assert.deepEqual((await ask(first.host, 'PUT', '/config/a', { compatibility: 'FULL' })).body,
    { compatibility: 'FULL' });
  assert.deepEqual((await ask(first.host, 'PUT', '/mode/b%2Fc', { mode: 'READONLY' })).body, { mode: 'READONLY' });
  await first.stop();

  const second = await startBroker(t, folder);
  const get = async (path) => (await ask(second.host, 'GET', path)).body;
  assert.deepEqual(await get('/subjects'), ['a', 'b/c']);
  assert.deepEqual(await get('/subjects/a/versions'), [2]);
  assert.deepEqual(await get('/subjects/a/versions?deleted=true'), [1, 2]);
  assert.deepEqual(await get('/config/a'), { compatibilityLevel: 'FULL' });
  assert.deepEqual(await get('/mode/b%2Fc'), { mode: 'READONLY' });
  assert.deepEqual(await get('/schemas/ids/1/versions'), [{ subject: 'b/c', version: 1 }]);
  const latest = await get('/subjects/a/versions/latest');
  assert.equal(latest.version, 2);
  // the GUID is the MD5 of what is stored
  const md5 = createHash('md5').update(latest.schema).digest('hex');
  assert.equal(latest.guid.replaceAll('-', ''), md5);
  assert.equal((await get(`/schemas/guids/${latest.guid}`)).schema, latest.schema);
  assert.equal((await register(second.host, 'new', [id, note])).body.id, 3);
  await second.stop();
});

test('errors have Confluent\'s codes and media type', async (t) => {
  const { host, stop } = await startBroker(t, makeFolder(t));
  const code = async (method, path, body) => {
    const reply = await ask(host, method, path, body);
    assert.equal(reply.type, 'application/vnd.schemaregistry.v1+json');
    assert.equal(typeof reply.body.message, 'string');
    return [reply.status, reply.body.error_code];
  };
  assert.equal((await ask(host, 'POST', '/subjects/s/versions', avro(record([id])))).status, 200);
  assert.deepEqual(await code('GET', '/subjects/none/versions'), [404, 40401]);
  assert.deepEqual(await code('GET', '/subjects/s/versions/9'), [404, 40402]);
  assert.deepEqual(await code('GET', '/subjects/s/versions/x'), [422, 42202]);
  assert.deepEqual(await code('GET', '/schemas/ids/99'), [404, 40403]);
  assert.deepEqual(await code('GET', '/schemas/ids/x'), [404, 404]);
  assert.deepEqual(await code('POST', '/subjects/s', avro('int')), [404, 40403]);
  assert.deepEqual(await code('POST', '/subjects/s/versions', avro(record([id, note]))), [409, 40901]);
  assert.deepEqual(await code('POST', '/subjects/s/versions', { schema: '{"type":"nonsense"}' }), [422, 42201]);
  assert.deepEqual(await code('POST', '/subjects/s/versions', { schema: '"int"', schemaType: 'XML' }), [422, 42201]);
  assert.deepEqual(await code('PUT', '/config/s', { compatibility: 'sideways' }), [422, 42203]);
  assert.deepEqual(await code('PUT', '/mode/s', { mode: 'sideways' }), [422, 42204]);
  assert.deepEqual(await code('GET', '/config/s'), [404, 40408]);
  assert.deepEqual(await code('GET', '/mode/s'), [404, 40409]);
  assert.deepEqual(await code('DELETE', '/subjects/s/versions/1?permanent=true'), [404, 40407]);
  assert.deepEqual(await code('DELETE', '/subjects/s?permanent=true'), [404, 40405]);
  assert.deepEqual(await code('GET', '/nowhere'), [404, 404]);
  assert.deepEqual(await code('PATCH', '/subjects'), [405, 405]);
  assert.deepEqual((await ask(host, 'DELETE', '/subjects/s')).body, [1]);
  assert.deepEqual(await code('DELETE', '/subjects/s'), [404, 40404]);
  const bad = await fetch(`${host}/subjects/s/versions`, { method: 'POST', body: '{' });
  assert.equal(bad.status, 400);
  await stop();
});

test('compatibility can be tried out', async (t) => {
  const { host, stop } = await startBroker(t, makeFolder(t));
  await ask(host, 'POST', '/subjects/s/versions', avro(record([id])));
  await ask(host, 'POST', '/subjects/s/versions', avro(record([id, total])));
  const tried = (version, schema) => ask(host, 'POST', `/compatibility/subjects/s/versions${version}`, avro(schema));
  assert.deepEqual((await tried('/latest', record([id]))).body, { is_compatible: true });
  assert.deepEqual((await tried('/1', record([id, note]))).body, { is_compatible: false });
  assert.equal((await tried('/7', record([id]))).body.error_code, 40402);
  const { body } = await tried('?verbose=true', record([id, note]));
  assert.equal(body.is_compatible, false);
  assert.match(body.messages[0], /READER_FIELD_MISSING_DEFAULT_VALUE.*'note' at path '\/fields\/1' in the new schema/);
  assert.equal(body.messages.at(-1), "{validateFields: 'false', compatibility: 'BACKWARD'}");
  await stop();
});

test('references tie schemas together', async (t) => {
  const { host, stop } = await startBroker(t, makeFolder(t));
  await ask(host, 'POST', '/subjects/order/versions', avro(record([id])));
  const references = [{ name: 'shop.Order', subject: 'order', version: 1 }];
  const list = { schema: '{"type":"array","items":"shop.Order"}', references };
  const { body } = await ask(host, 'POST', '/subjects/list/versions', list);
  assert.deepEqual(body.references, references);
  assert.deepEqual((await ask(host, 'GET', '/subjects/order/versions/1/referencedby')).body, [body.id]);
  assert.equal((await ask(host, 'DELETE', '/subjects/order/versions/1')).body.error_code, 42206);
  const resolved = await ask(host, 'GET', `/schemas/ids/${body.id}?format=resolved`);
  assert.deepEqual(JSON.parse(resolved.body.schema), { type: 'array', items: record([id]) });
  await stop();
});

test('a topic can ask for registered schemas', async (t) => {
  const { host, broker, stop } = await startBroker(t, makeFolder(t));
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING });
  const admin = kafka.admin(), producer = kafka.producer();
  await admin.connect();
  await admin.createTopics({ topics: [{
    topic: 'checked', configEntries: [{ name: 'confluent.value.schema.validation', value: 'true' }],
  }] });
  await admin.disconnect();
  await producer.connect();
  const send = (value) => producer.send({ topic: 'checked', messages: [{ value }] });
  await assert.rejects(send('no schema'));
  const registry = new SchemaRegistry({ host });
  const { id: schemaId } = await registry.register({ type: SchemaType.AVRO, schema: JSON.stringify(record([id])) },
    { subject: 'checked-value' });
  const value = await registry.encode(schemaId, { id: 1 });
  await send(value);
  await send(null);
  value.writeInt32BE(schemaId + 1, 1);
  await assert.rejects(send(value));
  await producer.disconnect();
  await stop();
});
