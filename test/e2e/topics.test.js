// `tarn topics`, `produce`, `consume` and `groups` against the embedded broker; broker/topic.h's own tests, too.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import avro from 'avsc';
import { startBroker } from '../compat/broker.js';
import { binary, jsonLines, makeFolder, startTarn, until } from './tarn.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

// A broker and `run(args, input)`, which calls tarn on it and wants exit code 0 unless told otherwise.
async function open(t, options) {
  const broker = await startBroker({ args: ['--durability', 'none'], ...options });
  t.after(() => broker.stop('SIGKILL'));
  const cwd = makeFolder(t);
  const run = (args, { input = '', status = 0 } = {}) => {
    const done = spawnSync(binary, [...args, '--broker', broker.address], { cwd, input, encoding: 'utf8' });
    assert.equal(done.status, status, done.stderr);
    return status ? done.stderr : done.stdout;
  };
  return { broker, run, cwd };
}

const numbers = (from, to) => Array.from({ length: to - from }, (_, i) => `${from + i}\n`).join('');

test('topics are made, described, changed and deleted', async (t) => {
  const { run } = await open(t);
  run(['topics', 'create', 'orders', '--partitions', '3', '--config', 'retention.ms=86400000', 'cleanup.policy=compact']);
  assert.deepEqual(JSON.parse(run(['topics', '--json'])), [{ topic: 'orders', partitions: 3, internal: false }]);
  run(['topics', 'alter', 'orders', '--partitions', '4', '--unset', 'cleanup.policy', '--config', 'max.message.bytes=2000']);
  const topic = JSON.parse(run(['topics', 'describe', 'orders', '--json']));
  assert.equal(topic.partitions.length, 4);
  assert.deepEqual(topic.configs, { 'max.message.bytes': '2000', 'retention.ms': '86400000' });
  run(['topics', 'delete', 'orders']);
  assert.match(run(['topics', 'describe', 'orders'], { status: 2 }), /there is no topic 'orders'/);
  assert.match(run(['topics', 'create', 'a/b'], { status: 3 }), /creating topic 'a\/b'/);
  assert.match(run(['topics', 'creat', 'x'], { status: 2 }), /did you mean create/);
});

test('lines become records with keys, headers and nulls, and come back', async (t) => {
  const { run } = await open(t);
  run(['topics', 'create', 'orders']);
  run(['produce', 'orders', '-K', '|', '--null', 'gone', '--header', 'source=shop'], { input: 'a|{"amount": 5}\nb|gone\nplain\n' });
  const records = jsonLines(run(['consume', 'orders', '--json']));
  assert.deepEqual(records.map(({ key, value }) => [key, value]), [['a', { amount: 5 }], ['b', null], [null, 'plain']]);
  assert.deepEqual(records[0].headers, [['source', 'shop']]);
  assert.equal(run(['consume', 'orders', '-K', '=']), 'a={"amount": 5}\nb=\n=plain\n');
  assert.equal(jsonLines(run(['consume', 'orders', '--format', 'hex', '-n', '1']))[0].key, '61');
  run(['topics', 'create', 'copy']);
  run(['produce', 'copy', '--format', 'record'], { input: run(['consume', 'orders', '--json']) });
  const copies = jsonLines(run(['consume', 'copy', '--json']));
  assert.deepEqual(copies.map((record) => [record.key, record.value, record.timestamp, record.headers]),
    records.map((record) => [record.key, record.value, record.timestamp, record.headers]));
});

test('values are written and read by the schema that is registered for them', async (t) => {
  const { broker, run } = await open(t, { args: ['--durability', 'none', '--registry-port', '0'] });
  run(['topics', 'create', 'orders']);
  assert.match(run(['produce', 'orders', '--format', 'avro'], { input: '{}\n', status: 2 }), /none is registered for 'orders-value'/);
  const schema = { type: 'record', name: 'order', fields: [{ name: 'id', type: 'long' }, { name: 'note', type: ['null', 'string'], default: null }] };
  const registered = await fetch(`http://127.0.0.1:${broker.registry_port}/subjects/orders-value/versions`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
  const { id } = await registered.json();
  run(['produce', 'orders', '--format', 'avro', '-K', '|', '--null', ''], { input: 'a|{"id": 1, "note": "first"}\nb|{"id": -2, "note": null}\nb|\n' });
  const bytes = jsonLines(run(['consume', 'orders', '--format', 'hex'])).map((record) => record.value);
  const prefix = `00${id.toString(16).padStart(8, '0')}`;
  const type = avro.Type.forSchema(schema, { wrapUnions: true });
  assert.deepEqual(bytes, [`${prefix}${type.toBuffer({ id: 1, note: { string: 'first' } }).toString('hex')}`, `${prefix}0300`, null]);
  assert.deepEqual(jsonLines(run(['consume', 'orders', '--format', 'avro'])).map(({ key, value }) => [key, value]),
    [['a', { id: 1, note: { string: 'first' } }], ['b', { id: -2, note: null }], ['b', null]]);
  assert.match(run(['produce', 'orders', '--format', 'avro'], { input: '{"id": 3, "note": null}\n{"id": "x"}\n', status: 3 }), /line 2: .*id/);
  assert.match(run(['produce', 'orders', '--format', 'avro'], { input: 'oops\n', status: 3 }), /line 1: the value is no JSON/);
});

test('a range is read by offset, time and from behind', async (t) => {
  const { run } = await open(t);
  const input = Array.from({ length: 10 }, (_, i) => JSON.stringify({ value: `${i}`, timestamp: Date.UTC(2026, 2, 1, 12, i) }) + '\n').join('');
  run(['topics', 'create', 'times', '--config', 'retention.ms=-1']);
  run(['produce', 'times', '--format', 'record'], { input });
  assert.equal(run(['consume', 'times', '--from', '2', '--until', '4']), '2\n3\n');
  assert.equal(run(['consume', 'times', '--from', '-2']), '8\n9\n');
  assert.equal(run(['consume', 'times', '--from', '2026-03-01T12:07']), '7\n8\n9\n');
  assert.equal(run(['consume', 'times', '--until', '2026-03-01T12:02']), '0\n1\n');
  assert.equal(run(['consume', 'times', '--from', 'end']), '');
  assert.match(run(['consume', 'times', '--from', 'yesterday'], { status: 2 }), /--from takes beginning, end/);
  run(['topics', 'trim', 'times', '--partition', '0', '--before', '8']);
  assert.equal(run(['consume', 'times']), '8\n9\n');
});

test('a predicate decides what is printed', async (t) => {
  const { run } = await open(t);
  run(['topics', 'create', 'orders']);
  run(['produce', 'orders', '--format', 'json'], { input: '{"amount": 5, "status": "paid"}\n{"amount": 500, "status": "open"}\n' });
  assert.equal(run(['consume', 'orders', '--where', 'value.amount > 100']), '{"amount": 500, "status": "open"}\n');
  assert.equal(run(['consume', 'orders', '--where', "value->>'status' = 'paid' AND \"offset\" = 0"]), '{"amount": 5, "status": "paid"}\n');
  assert.match(run(['consume', 'orders', '--where', 'colour = 1'], { status: 2 }), /"colour" not found/);
  assert.match(run(['produce', 'orders', '--format', 'json'], { input: '{"a": 1}\nnonsense\n', status: 3 }), /standard input, line 2/);
});

test('aborted transactions are not seen, open ones not yet', async (t) => {
  const { run, broker, cwd } = await open(t);
  run(['topics', 'create', 'moves']);
  run(['produce', 'moves', '--transaction', 'a'], { input: '1\n2\n' });
  const writer = startTarn(t, ['produce', 'moves', '--transaction', 'b', '--file', '/dev/stdin', '--broker', broker.address], { cwd });
  writer.kill('SIGKILL');
  await writer.ended;
  run(['produce', 'moves', '--transaction', 'c'], { input: '3\n' });
  assert.equal(run(['consume', 'moves']), '1\n2\n3\n');
});

test('a group goes on where it stood, and is put elsewhere', async (t) => {
  const { run } = await open(t);
  run(['topics', 'create', 'clicks', '--partitions', '2']);
  run(['produce', 'clicks', '--partition', '0'], { input: numbers(0, 5) });
  assert.equal(run(['consume', 'clicks', '--group', 'counter']), numbers(0, 5));
  run(['produce', 'clicks', '--partition', '0'], { input: numbers(5, 8) });
  const group = JSON.parse(run(['groups', 'describe', 'counter', '--json']));
  assert.deepEqual(group.offsets.map(({ partition, committed, end, lag }) => [partition, committed, end, lag])[0], [0, 5, 8, 3]);
  assert.equal(run(['consume', 'clicks', '--group', 'counter']), numbers(5, 8));
  run(['groups', 'reset', 'counter', '--topic', 'clicks', '--partition', '0', '--shift', '-2', '--dry-run']);
  assert.equal(run(['consume', 'clicks', '--group', 'counter']), '');
  run(['groups', 'reset', 'counter', '--topic', 'clicks', '--partition', '0', '--shift', '-2']);
  assert.equal(run(['consume', 'clicks', '--group', 'counter']), numbers(6, 8));
  assert.deepEqual(JSON.parse(run(['groups', '--json'])).map(({ group: name, state }) => [name, state]), [['counter', 'Empty']]);
  run(['groups', 'delete', 'counter']);
  assert.match(run(['groups', 'describe', 'counter'], { status: 2 }), /there is no group 'counter'/);
});

test('following ends in good order, and the address comes from tarn.yml', async (t) => {
  const { run, broker, cwd } = await open(t);
  run(['topics', 'create', 'live']);
  writeFileSync(path.join(cwd, 'tarn.yml'), `name: shop\nbroker: {address: "${broker.address}", properties: {client.id: shop}}\n`);
  const reader = startTarn(t, ['consume', 'live', '--follow'], { cwd });
  let seen = '';
  reader.stdout.on('data', (data) => { seen += data; });
  run(['produce', 'live'], { input: 'one\n' });
  await until('the first record is printed', () => seen === 'one\n');
  run(['produce', 'live'], { input: 'two\n' });
  await until('the second record is printed', () => seen === 'one\ntwo\n');
  reader.kill('SIGINT');
  assert.equal((await reader.ended).status, 0);
});

test('the files of a stopped broker are read and written offline', async (t) => {
  const data = makeFolder(t);
  const { run, broker, cwd } = await open(t, { data });
  run(['topics', 'create', 'kept']);
  run(['produce', 'kept'], { input: 'one\ntwo\n' });
  run(['consume', 'kept', '--group', 'reader']);
  const offline = (args, input = '') => {
    const done = spawnSync(binary, [...args, '--offline', '--data', data], { cwd, input, encoding: 'utf8' });
    return { ...done, ok: () => (assert.equal(done.status, 0, done.stderr), done.stdout) };
  };
  assert.match(offline(['consume', 'kept']).stderr, /a running broker has it open/);
  assert.match(offline(['produce', 'kept'], 'three\n').stderr, /a running broker has it open/);
  await broker.stop();
  const files = () => spawnSync('sh', ['-c', `cd ${data}/broker && find . -type f | sort | xargs cksum`], { encoding: 'utf8' }).stdout;
  const before = files();
  assert.equal(offline(['consume', 'kept']).ok(), 'one\ntwo\n');
  assert.equal(JSON.parse(offline(['groups', 'describe', 'reader', '--json']).ok()).offsets[0].lag, 0);
  assert.match(offline(['topics']).ok(), /kept/);
  assert.equal(files(), before, 'reading changes nothing');
  offline(['produce', 'kept'], 'three\n').ok();
  assert.equal(offline(['consume', 'kept', '--group', 'reader']).ok(), 'three\n');
  offline(['groups', 'reset', 'reader', '--topic', 'kept', '--to', 'beginning']).ok();
  assert.equal(JSON.parse(offline(['groups', 'describe', 'reader', '--json']).ok()).offsets[0].lag, 3);
  offline(['groups', 'delete', 'reader']).ok();
  offline(['topics', 'create', 'made', '--partitions', '2']).ok();
  offline(['topics', 'alter', 'made', '--config', 'retention.ms=1000']).ok();
  offline(['topics', 'delete', 'made']).ok();
  assert.equal(offline(['topics', 'describe', 'made']).status, 2);
});

test('a broker that is not there is said in words', (t) => {
  const done = spawnSync(binary, ['topics', '--broker', '127.0.0.1:1'], { cwd: makeFolder(t), encoding: 'utf8' });
  assert.equal(done.status, 3);
  assert.match(done.stderr, /connecting to the broker at 127.0.0.1:1: nobody answers; is it running/);
});

test('what broker/topic.h promises holds on the broker', async (t) => {
  const { broker } = await open(t);
  spawnSync('ninja', ['-C', path.join(root, 'build'), 'src/topic_test']);
  const done = spawnSync(path.join(root, 'build/src/topic_test'), [], { encoding: 'utf8', env: { ...process.env, TARN_TEST_BROKER: broker.address } });
  assert.equal(done.status, 0, done.stdout + done.stderr);
  assert.doesNotMatch(done.stdout, /SKIPPED/);
});
