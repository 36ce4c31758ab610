// What the broker's tests share: a broker on a free port, and a client that writes bytes to a socket and reads frames.
import net from 'node:net';

import { startTarn, until } from './tarn.js';

// Starts `tarn broker` and waits until it has said where it listens: { child, port, ports, log(), stop() }.
export async function startBroker(t, folder, args = [], env = {}) {
  const plain = args.includes('--listener') ? [] : ['--port', '0'];
  const services = ['--registry-port', '--rest-port'].flatMap((name) => (args.includes(name) ? [] : [name, '-1']));
  const child = startTarn(t, ['broker', '--data', folder, '--json', '--durability', 'none', ...services, ...plain, ...args],
    { cwd: folder, env });
  let said = '', log = '', ended = null;
  child.stdout.on('data', (data) => { said += data; });
  child.stderr.on('data', (data) => { log += data; });
  child.ended.then((result) => { ended = result; });
  await until('the broker listens', () => {
    if (ended) throw new Error(`the broker ended: ${JSON.stringify(ended)}`);
    return said.includes('\n');
  });
  const where = JSON.parse(said.split('\n')[0]);
  const ports = Object.fromEntries(where.listeners.map((listener) => [listener.name, listener.port]));
  return {
    child, ports, port: where.listeners[0].port, registryPort: where.registry_port, log: () => log,
    async stop(signal = 'SIGINT') {
      child.kill(signal);
      return child.ended;
    },
  };
}

// ---- Kafka's classic encodings, as far as the tests need them ----

export const int8 = (value) => Buffer.from([value & 0xff]);
export function int16(value) {
  const out = Buffer.alloc(2);
  out.writeInt16BE(value);
  return out;
}
export function int32(value) {
  const out = Buffer.alloc(4);
  out.writeInt32BE(value);
  return out;
}
export function int64(value) {
  const out = Buffer.alloc(8);
  out.writeBigInt64BE(BigInt(value));
  return out;
}
export const string = (text) => (text === null ? int16(-1) : Buffer.concat([int16(Buffer.byteLength(text)), Buffer.from(text)]));
export const bytes = (data) => Buffer.concat([int32(data.length), data]);
export const array = (items) => Buffer.concat([int32(items.length), ...items]);

const crcTable = Array.from({ length: 256 }, (_, index) => {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});
export function crc32c(data) {
  let crc = 0xffffffff;
  for (const byte of data) crc = crcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function varint(value) {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const out = [];
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return Buffer.from(out);
}

// A record batch of magic 2 with these values (texts or buffers), uncompressed.
export function batch(values, { timestamp = Date.now(), producerId = -1, epoch = -1, sequence = -1 } = {}) {
  const records = values.map((value, index) => {
    const data = Buffer.from(value);
    const body = Buffer.concat([int8(0), varint(0), varint(index), varint(-1), varint(data.length), data, varint(0)]);
    return Buffer.concat([varint(body.length), body]);
  });
  const tail = Buffer.concat([int16(0), int32(values.length - 1), int64(timestamp), int64(timestamp), int64(producerId),
    int16(epoch), int32(sequence), int32(values.length), ...records]);
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32c(tail));
  return Buffer.concat([int64(0), int32(tail.length + 9), int32(-1), int8(2), crc, tail]);
}

export function request(apiKey, version, correlationId, body, clientId = 'test') {
  return bytes(Buffer.concat([int16(apiKey), int16(version), int32(correlationId), string(clientId), body]));
}
export const metadataRequest = (id, topics) => request(3, 4, id, Buffer.concat([array(topics.map(string)), int8(1)]));
export const produceRequest = (id, topic, records, { acks = 1, version = 7, partition = 0 } = {}) => request(0, version, id,
  Buffer.concat([string(null), int16(acks), int32(10000),
    array([Buffer.concat([string(topic), array([Buffer.concat([int32(partition), bytes(records)])])])])]));
export const fetchRequest = (id, topic, offset, { maxWaitMs = 0, minBytes = 1, maxBytes = 1 << 20 } = {}) => request(1, 4, id,
  Buffer.concat([int32(-1), int32(maxWaitMs), int32(minBytes), int32(maxBytes), int8(0),
    array([Buffer.concat([string(topic), array([Buffer.concat([int32(0), int64(offset), int32(maxBytes)])])])])]));

// What a Produce answer (version 7) of one partition says.
export function produceAnswer(frame) {
  const at = 4 + 4 + 2 + frame.readInt16BE(8) + 4;
  return { id: frame.readInt32BE(0), error: frame.readInt16BE(at + 4), offset: Number(frame.readBigInt64BE(at + 6)) };
}
// What a Fetch answer (version 4) of one partition says.
export function fetchAnswer(frame) {
  const at = 4 + 4 + 4 + 2 + frame.readInt16BE(12) + 4;
  const aborted = frame.readInt32BE(at + 22);
  const records = at + 26 + Math.max(0, aborted) * 16;
  return { id: frame.readInt32BE(0), error: frame.readInt16BE(at + 4), highWatermark: Number(frame.readBigInt64BE(at + 6)),
    records: frame.subarray(records + 4, records + 4 + frame.readInt32BE(records)) };
}

// A connection that gives whole answers: send(buffer), frame() -> the next answer without its length, closed -> promise.
export function connect(t, port, host = '127.0.0.1') {
  const socket = net.connect(port, host);
  let received = Buffer.alloc(0), pieces = [], isClosed = false;
  const gather = () => {
    if (pieces.length > 0) received = Buffer.concat([received, ...pieces]);
    pieces = [];
  };
  t.after(() => socket.destroy());
  socket.on('data', (data) => { pieces.push(data); });
  socket.on('error', () => {});
  socket.on('close', () => { isClosed = true; });
  return {
    socket,
    send: (data) => socket.write(data),
    received: () => {
      gather();
      return received.length;
    },
    isClosed: () => isClosed,
    closed: () => until('the broker closes the connection', () => isClosed),
    async frame() {
      await until('an answer', () => {
        gather();
        if (isClosed && received.length === 0) throw new Error('the connection was closed');
        return received.length >= 4 && received.length >= 4 + received.readInt32BE(0);
      });
      const length = received.readInt32BE(0);
      const frame = received.subarray(4, 4 + length);
      received = received.subarray(4 + length);
      return frame;
    },
  };
}
