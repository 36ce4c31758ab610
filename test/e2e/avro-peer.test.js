// Avro by two implementations: random schemas and values from avsc go through the REST proxy as JSON; the bytes Tarn
// wrote must be the ones avsc writes, and the JSON Tarn reads back must mean the same value to avsc.
import assert from 'node:assert/strict';
import test from 'node:test';
import avro from 'avsc';
import { makeFolder, startTarn, until } from './tarn.js';

const rounds = 60;

// mulberry32: the same schemas in every run
function random(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const primitives = ['boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'];

function makeSchema(draw, names, depth) {
  const kind = draw(depth > 0 ? 13 : 7);
  if (kind < 7) return primitives[kind];
  const name = `T${names.count++}`;
  if (kind === 7) return { type: 'enum', name, symbols: ['A', 'B', 'C'].slice(0, 1 + draw(3)) };
  if (kind === 8) return { type: 'fixed', name, size: 1 + draw(8) };
  if (kind === 9) return { type: 'array', items: makeSchema(draw, names, depth - 1) };
  if (kind === 10) return { type: 'map', values: makeSchema(draw, names, depth - 1) };
  if (kind === 11) return ['null', makeSchema(draw, names, depth - 1)].flat();
  return {
    type: 'record', name,
    fields: Array.from({ length: draw(5) }, (_, i) => ({ name: `f${i}`, type: makeSchema(draw, names, depth - 1) })),
  };
}

test('avsc and Tarn write the same bytes', async (t) => {
  const child = startTarn(t, ['broker', '--data', makeFolder(t), '--port', '0', '--rest-port', '0', '--json']);
  let text = '';
  child.stdout.on('data', (data) => { text += data; });
  await until('the broker says where it listens', () => text.includes('\n'));
  const host = `http://127.0.0.1:${JSON.parse(text.split('\n')[0]).rest_port}`;
  const ask = async (method, url, body, type = 'application/json') => {
    const response = await fetch(url, { method, headers: { 'content-type': type }, body });
    const reply = await response.text();
    assert.ok(response.ok, `${url}: ${reply}`);
    return reply;
  };
  const json = async (...args) => JSON.parse(await ask(...args));
  const cluster = (await json('GET', `${host}/v3/clusters`)).data[0].cluster_id;
  const base = `${host}/v3/clusters/${cluster}/topics`;
  await ask('POST', base, JSON.stringify({ topic_name: 'values', partitions_count: 1 }));

  const draw = random(7);
  const cases = [];
  for (let i = 0; i < rounds; i++) {
    const schema = { type: 'record', name: 'Root', fields: [{ name: 'v', type: makeSchema(draw, { count: 0 }, 3) }] };
    const type = avro.Type.forSchema(schema, { wrapUnions: true });
    cases.push({ schema, type, value: type.random() });
  }
  // a subject of its own for each, since they have nothing to do with each other
  const body = cases.map(({ schema, type, value }, i) => `{"value":{"type":"AVRO","subject":"s${i}","schema":${
    JSON.stringify(JSON.stringify(schema))},"data":${type.toString(value)}}}`).join('\n');
  const replies = (await ask('POST', `${base}/values/records`, body)).trim().split('\r\n').map((line) => JSON.parse(line));
  replies.forEach((reply, i) => {
    assert.equal(reply.error_code, 200, `${JSON.stringify(cases[i].schema)}: ${reply.message}`);
  });

  const read = async (format) => {
    const { base_uri: consumer } = await json('POST', `${host}/consumers/${format}`,
      JSON.stringify({ format, 'auto.offset.reset': 'earliest' }));
    await ask('POST', `${consumer}/assignments`, JSON.stringify({ partitions: [{ topic: 'values', partition: 0 }] }));
    const records = [];
    await until(`all ${format} records came`, async () => {
      records.push(...await json('GET', `${consumer}/records?timeout=500`));
      return records.length >= rounds;
    });
    await ask('DELETE', consumer);
    return records;
  };
  const [binary, decoded] = [await read('binary'), await read('avro')];
  cases.forEach(({ schema, type, value }, i) => {
    const bytes = Buffer.from(binary[i].value, 'base64').subarray(5);
    const said = JSON.stringify(schema);
    // maps have no order in JSON; all else is the same byte for byte
    const settled = (some) => type.fromBuffer(type.toBuffer(some)); // floats have their 32 bits
    if (said.includes('"map"')) assert.deepEqual(type.fromBuffer(bytes), settled(value), said);
    else assert.deepEqual(bytes, type.toBuffer(value), said);
    assert.deepEqual(settled(type.fromString(JSON.stringify(decoded[i].value))), settled(value), said);
  });
  child.kill('SIGINT');
  assert.equal((await child.ended).status, 0);
});
