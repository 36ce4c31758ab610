// The broker's connections: order, bounds, junk, silence, slow readers, stopping, starting again.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import {
  batch, bytes, connect, fetchAnswer, fetchRequest, int16, int32, metadataRequest, produceAnswer, produceRequest, request,
  startBroker, string,
} from './broker.js';
import { makeFolder, until } from './tarn.js';

const apiVersions = (id, version) => request(18, version, id, Buffer.alloc(0));
const rssBytes = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

test('ApiVersions: a list, and for a version from the future the old layout with the error', async (t) => {
  const broker = await startBroker(t, makeFolder(t));
  const client = connect(t, broker.port);
  client.send(apiVersions(7, 0));
  const answer = await client.frame();
  assert.equal(answer.readInt32BE(0), 7);
  assert.equal(answer.readInt16BE(4), 0);
  const offered = new Map();
  for (let i = 0; i < answer.readInt32BE(6); i++)
    offered.set(answer.readInt16BE(10 + 6 * i), [answer.readInt16BE(12 + 6 * i), answer.readInt16BE(14 + 6 * i)]);
  // librdkafka asks for exactly these: a higher minimum silently takes features away
  assert.equal(offered.get(0)[0], 0);
  assert.ok(offered.get(1)[0] <= 4 && offered.get(1)[1] >= 12);
  client.send(apiVersions(8, 99));
  const future = await client.frame();
  assert.equal(future.readInt32BE(0), 8);
  assert.equal(future.readInt16BE(4), 35);
  assert.equal(future.readInt32BE(6), 1);
  assert.equal(future.readInt16BE(10), 18);
  // flexible versions have no tags in this one header
  client.send(request(18, 3, 9, Buffer.from([0, 5, ...Buffer.from('test'), 2, 0x31, 0])));
  const flexible = await client.frame();
  assert.equal(flexible.readInt32BE(0), 9);
  assert.equal(flexible.readInt16BE(4), 0);
  assert.ok(flexible[6] > 1);
});

test('answers come in the order of requests, also when one waits', async (t) => {
  const broker = await startBroker(t, makeFolder(t));
  const client = connect(t, broker.port);
  client.send(metadataRequest(1, ['orders']));
  await client.frame();
  // a fetch that waits for records, and behind it requests that could be answered at once
  client.send(fetchRequest(2, 'orders', 0, { maxWaitMs: 30000 }));
  for (let id = 3; id < 40; id++) client.send(metadataRequest(id, ['orders']));
  const other = connect(t, broker.port);
  other.send(produceRequest(1, 'orders', batch(['a', 'b'])));
  assert.deepEqual(produceAnswer(await other.frame()), { id: 1, error: 0, offset: 0 });
  const fetched = fetchAnswer(await client.frame());
  assert.equal(fetched.id, 2);
  assert.equal(fetched.highWatermark, 2);
  assert.equal(fetched.records.readInt32BE(57), 2);
  for (let id = 3; id < 40; id++) assert.equal((await client.frame()).readInt32BE(0), id);
});

test('a request that comes byte by byte, and many that come at once', async (t) => {
  const broker = await startBroker(t, makeFolder(t));
  const client = connect(t, broker.port);
  client.socket.setNoDelay(true);
  for (const byte of metadataRequest(1, ['drops'])) client.send(Buffer.from([byte]));
  assert.equal((await client.frame()).readInt32BE(0), 1);
  const values = Array.from({ length: 2000 }, (_, index) => `${index}`.padStart(400, 'x'));
  const big = batch(values);
  const all = [];
  for (let id = 2; id < 12; id++) all.push(produceRequest(id, 'drops', big));
  client.send(Buffer.concat(all));
  for (let id = 2; id < 12; id++)
    assert.deepEqual(produceAnswer(await client.frame()), { id, error: 0, offset: (id - 2) * 2000 });
  client.send(fetchRequest(12, 'drops', 18000, { maxBytes: 10 << 20 }));
  const { records } = fetchAnswer(await client.frame());
  assert.equal(Number(records.readBigInt64BE(0)), 18000);
  assert.equal(Buffer.compare(records.subarray(16), big.subarray(16)), 0);
});

test('junk, a length of 2 GB, an unknown API and half a request: closed, with a line in the log', async (t) => {
  const broker = await startBroker(t, makeFolder(t));
  const before = rssBytes(broker.child.pid);
  for (const junk of [
    Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    int32(0x7fffffff), int32(-1), bytes(Buffer.alloc(3)),
    request(999, 0, 1, Buffer.alloc(0)), request(3, 99, 1, Buffer.alloc(0)), request(0, 2, 1, Buffer.alloc(8)),
    request(3, 4, 1, Buffer.concat([int32(0x7ffffff0), int16(1)])),
    bytes(Buffer.concat([int16(3), int16(4), int32(1), int16(9999)])),
  ]) {
    const lines = broker.log().split('\n').length;
    const client = connect(t, broker.port);
    client.send(junk);
    await client.closed();
    assert.equal(client.received(), 0);
    await until('it is in the log', () => broker.log().split('\n').length > lines);
  }
  const half = connect(t, broker.port);
  half.send(metadataRequest(1, ['never']).subarray(0, 9));
  half.socket.end();
  await half.closed();
  await until('it is in the log', () => broker.log().includes('middle of a request'));
  // a length is believed only as far as bytes come: 50 connections that announce 90 MB each cost next to nothing
  const waiting = Array.from({ length: 50 }, () => connect(t, broker.port));
  for (const client of waiting) client.send(Buffer.concat([int32(90 << 20), Buffer.alloc(1000)]));
  const client = connect(t, broker.port);
  client.send(metadataRequest(5, ['still']));
  assert.equal((await client.frame()).readInt32BE(0), 5);
  assert.ok(rssBytes(broker.child.pid) - before < 32 << 20, 'memory stays bounded');
});

test('a client that does not read is not served without end; others go on', async (t) => {
  const broker = await startBroker(t, makeFolder(t));
  const writer = connect(t, broker.port);
  const value = 'v'.repeat(900_000);
  for (let id = 0; id < 20; id++) {
    writer.send(produceRequest(id, 'big', batch([value])));
    assert.equal(produceAnswer(await writer.frame()).error, 0);
  }
  const before = rssBytes(broker.child.pid);
  const slow = connect(t, broker.port);
  slow.socket.pause();
  for (let id = 0; id < 60; id++) slow.send(fetchRequest(id, 'big', 0, { maxBytes: 4 << 20 }));
  writer.send(produceRequest(99, 'big', batch(['small'])));
  assert.equal(produceAnswer(await writer.frame()).error, 0);
  assert.ok(rssBytes(broker.child.pid) - before < 64 << 20, '200 MB of answers are not made in advance');
  // and when it reads at last, it gets all of them in order
  slow.socket.resume();
  for (let id = 0; id < 60; id++) {
    const answer = fetchAnswer(await slow.frame());
    assert.equal(answer.id, id);
    assert.ok(answer.records.length > 3_000_000);
  }
});

test('two hundred connections at once', async (t) => {
  const broker = await startBroker(t, makeFolder(t));
  const clients = Array.from({ length: 200 }, () => connect(t, broker.port));
  clients.forEach((client, index) => client.send(produceRequest(index, 'many', batch([`${index}`]))));
  const offsets = await Promise.all(clients.map(async (client) => produceAnswer(await client.frame()).offset));
  assert.deepEqual(offsets.sort((a, b) => a - b), clients.map((_, index) => index));
});

test('both localhost addresses are served, and what is advertised is what the client came to', async (t) => {
  const broker = await startBroker(t, makeFolder(t));
  const host = async (address) => {
    const client = connect(t, broker.port, address);
    client.send(metadataRequest(1, []));
    const answer = await client.frame();
    const length = answer.readInt16BE(16);
    assert.equal(answer.readInt32BE(18 + length), broker.port);
    return answer.toString('utf8', 18, 18 + length);
  };
  assert.equal(await host('127.0.0.1'), '127.0.0.1');
  assert.equal(await host('::1'), 'localhost');
});

test('acks=0 is not answered, and an error closes the connection', async (t) => {
  const broker = await startBroker(t, makeFolder(t));
  const client = connect(t, broker.port);
  client.send(produceRequest(1, 'quiet', batch(['a']), { acks: 0 }));
  client.send(metadataRequest(2, ['quiet']));
  assert.equal((await client.frame()).readInt32BE(0), 2);
  const damaged = batch(['b']);
  damaged[damaged.length - 2] ^= 1;
  client.send(produceRequest(3, 'quiet', damaged, { acks: 0 }));
  await client.closed();
  const other = connect(t, broker.port);
  other.send(produceRequest(4, 'quiet', damaged));
  assert.equal(produceAnswer(await other.frame()).error, 2);
  other.send(produceRequest(5, 'quiet', batch(['c']), { acks: 5 }));
  assert.equal(produceAnswer(await other.frame()).error, 21);
  other.send(produceRequest(6, 'quiet', batch(['c']), { partition: 7 }));
  assert.equal(produceAnswer(await other.frame()).error, 3);
  other.send(fetchRequest(7, 'quiet', 55));
  assert.equal(fetchAnswer(await other.frame()).error, 1);
});

test('it stops on SIGINT and SIGTERM with 0, and everything is there after the next start', async (t) => {
  const folder = makeFolder(t);
  for (const [round, signal] of ['SIGINT', 'SIGTERM'].entries()) {
    const broker = await startBroker(t, folder);
    const client = connect(t, broker.port);
    client.send(produceRequest(1, 'kept', batch([`round ${round}`]), { acks: -1 }));
    assert.deepEqual(produceAnswer(await client.frame()), { id: 1, error: 0, offset: round });
    // a fetch that waits does not hold it up
    client.send(fetchRequest(2, 'kept', round + 1, { maxWaitMs: 600_000 }));
    const { status } = await broker.stop(signal);
    assert.equal(status, 0);
    await client.closed();
  }
  const broker = await startBroker(t, folder);
  const client = connect(t, broker.port);
  client.send(fetchRequest(1, 'kept', 0));
  const { highWatermark, records } = fetchAnswer(await client.frame());
  assert.equal(highWatermark, 2);
  assert.match(records.toString('latin1'), /round 0[^]*round 1/);
});

test('a port that is taken, a second broker on the folder: said plainly', async (t) => {
  const folder = makeFolder(t);
  const broker = await startBroker(t, folder);
  await assert.rejects(startBroker(t, makeFolder(t), ['--listener', `PLAINTEXT://localhost:${broker.port}`]), /the port is taken/);
  await assert.rejects(startBroker(t, folder), /folder|open/);
  await assert.rejects(startBroker(t, makeFolder(t), ['--listener', 'HTTP://localhost:1']), /SECURITY:\/\/HOST:PORT/);
});

test('topic configs and faults of CreateTopics', async (t) => {
  const broker = await startBroker(t, makeFolder(t));
  const client = connect(t, broker.port);
  let id = 0;
  const create = async (name, { partitions = 1, replicas = 1, configs = [], validateOnly = false } = {}) => {
    const topic = Buffer.concat([string(name), int32(partitions), int16(replicas), int32(0), int32(configs.length),
      ...configs.map(([key, value]) => Buffer.concat([string(key), string(value)]))]);
    client.send(request(19, 2, ++id, Buffer.concat([int32(1), topic, int32(1000), Buffer.from([validateOnly ? 1 : 0])])));
    const answer = await client.frame();
    return answer.readInt16BE(12 + 2 + answer.readInt16BE(12));
  };
  assert.equal(await create('first', { partitions: 3, configs: [['cleanup.policy', 'compact']] }), 0);
  assert.equal(await create('first'), 36);
  assert.equal(await create('checked', { validateOnly: true }), 0);
  assert.equal(await create('checked', { replicas: 3 }), 0); // taken as 1, with a warning
  assert.ok(broker.log().includes('replication factor'));
  assert.equal(await create('no/such'), 17);
  assert.equal(await create('none', { partitions: 0 }), 37);
  assert.equal(await create('none', { replicas: 0 }), 38);
  assert.equal(await create('none', { configs: [['retention.ms', 'soon']] }), 40);
  assert.equal(await create('none', { configs: [['no.such', '1']] }), 40);
});
