// Topics that take only records with a registered schema.
import assert from 'node:assert/strict';
import test from 'node:test';

import { batch, bytes, connect, int16, int32, produceAnswer, produceRequest, request, startBroker, string } from './broker.js';
import { makeFolder } from './tarn.js';

const leaderNotAvailable = 5, invalidRecord = 87;

async function createChecked(client, name) {
  const config = Buffer.concat([string('confluent.value.schema.validation'), string('true')]);
  client.send(request(19, 2, 1, Buffer.concat([int32(1), string(name), int32(1), int16(1), int32(0), int32(1), config, int32(1000),
    Buffer.from([0])])));
  const answer = await client.frame();
  assert.equal(answer.readInt16BE(14 + answer.readInt16BE(12)), 0);
}

// The first record may come while the registry still reads its schemas: a client tries again then.
async function produce(client, topic, value) {
  for (let id = 1; ; id++) {
    client.send(produceRequest(id, topic, batch([value])));
    const { error } = produceAnswer(await client.frame());
    if (error !== leaderNotAvailable) return error;
  }
}

test('values without a registered schema id are refused, also after the broker was started again', async (t) => {
  const folder = makeFolder(t);
  let id;
  for (const round of [1, 2]) {
    const broker = await startBroker(t, folder, ['--registry-port', '0']);
    const client = connect(t, broker.port);
    if (round === 1) {
      await createChecked(client, 'checked');
      const answer = await fetch(`http://127.0.0.1:${broker.registryPort}/subjects/checked-value/versions`, { method: 'POST',
        headers: { 'Content-Type': 'application/vnd.schemaregistry.v1+json' }, body: JSON.stringify({ schema: '"string"' }) });
      ({ id } = await answer.json());
    }
    assert.equal(await produce(client, 'checked', Buffer.concat([Buffer.from([0]), int32(id), bytes(Buffer.from('x'))])), 0);
    assert.equal(await produce(client, 'checked', Buffer.concat([Buffer.from([0]), int32(id + 1), Buffer.from('x')])), invalidRecord);
    assert.equal(await produce(client, 'checked', 'plain text'), invalidRecord);
    assert.equal(await produce(client, 'unchecked', 'plain text'), 0);
    assert.equal((await broker.stop()).status, 0);
  }
});
