// A full disk: producers get an error, consumers go on, what was acknowledged stays, and when there is room again the
// broker goes on, before and after a restart.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';

import { batch, connect, fetchAnswer, fetchRequest, metadataRequest, produceAnswer, produceRequest, startBroker } from './broker.js';

const storageError = 56;
const value = (index) => `${index}`.padStart(100_000, 'x');

// Small enough to be filled; null where one may not mount.
function makeSmallDisk() {
  const folder = mkdtempSync(path.join(tmpdir(), 'tarn-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', folder], { stdio: 'ignore' });
    return folder;
  } catch {
    rmdirSync(folder);
    return null;
  }
}

async function produce(client, id) {
  client.send(produceRequest(id, 'full', batch([value(id)]), { acks: -1 }));
  return produceAnswer(await client.frame());
}

// Every acknowledged record is at its offset, and there is nothing else.
async function checkRecords(t, port, acknowledged) {
  const client = connect(t, port);
  for (const [offset, id] of acknowledged.entries()) {
    client.send(fetchRequest(offset, 'full', offset, { maxBytes: 1 }));
    const answer = fetchAnswer(await client.frame());
    assert.equal(answer.error, 0);
    assert.equal(answer.highWatermark, acknowledged.length);
    assert.equal(Number(answer.records.readBigInt64BE(0)), offset);
    assert.ok(answer.records.includes(value(id)), `record ${id} is at offset ${offset}`);
  }
}

test('a disk that fills up, and is emptied again', async (t) => {
  const folder = makeSmallDisk();
  if (!folder) return t.skip('needs the right to mount a small file system');
  try {
    await fillAndEmpty(t, folder);
  } finally {
    execFileSync('umount', ['-l', folder]);
    rmdirSync(folder);
  }
});

async function fillAndEmpty(t, folder) {
  const args = ['--durability', 'sync', '--wal-bytes', '1048576'];
  let broker = await startBroker(t, folder, args);
  let client = connect(t, broker.port);
  const ballast = path.join(folder, 'ballast');
  writeFileSync(ballast, Buffer.alloc(8 << 20));
  client.send(metadataRequest(1, ['full']));
  await client.frame();
  const acknowledged = [];
  let id = 0, refused = 0;
  for (; refused < 20 && id < 2000; id++) {
    const answer = await produce(client, id);
    if (answer.error === 0) {
      assert.equal(answer.offset, acknowledged.length);
      acknowledged.push(id);
    } else {
      assert.equal(answer.error, storageError);
      refused++;
    }
  }
  assert.equal(refused, 20, 'the disk is full');
  assert.ok(acknowledged.length > 50);
  assert.match(broker.log(), /space|full/i);
  await checkRecords(t, broker.port, acknowledged);

  rmSync(ballast);
  for (const last = id + 10; id < last; id++) {
    const answer = await produce(client, id);
    assert.deepEqual(answer, { id, error: 0, offset: acknowledged.length });
    acknowledged.push(id);
  }
  await checkRecords(t, broker.port, acknowledged);

  // full again, killed, and started where nothing can be written
  const room = statfsSync(folder);
  writeFileSync(ballast, Buffer.alloc(Math.max(0, room.bavail * room.bsize - 4096)));
  await broker.stop('SIGKILL');
  broker = await startBroker(t, folder, args);
  await checkRecords(t, broker.port, acknowledged);
  rmSync(ballast, { force: true });
  client = connect(t, broker.port);
  assert.deepEqual(await produce(client, id), { id, error: 0, offset: acknowledged.length });
  acknowledged.push(id);
  assert.equal((await broker.stop()).status, 0);
  broker = await startBroker(t, folder, args);
  await checkRecords(t, broker.port, acknowledged);
  await broker.stop();
}
