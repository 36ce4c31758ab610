// Every kind of lake table, read back by icebird (a reader nobody here wrote) and compared with what DuckDB reads:
// types, partitions, schema evolution, rows deleted by copy-on-write, merged manifests, names that SQL must quote.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const data = mkdtempSync(path.join(tmpdir(), 'tarn-icebird-'));
const realFetch = globalThis.fetch;
let server;
let tables;
let icebergRead;

// icebird reads by HTTP with ranges; what the metadata names as file:// is fetched from here.
function serve(request, response) {
  const file = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
  const size = statSync(file).size;
  const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '');
  const start = range ? Number(range[1]) : 0;
  const end = range && range[2] ? Math.min(Number(range[2]), size - 1) : size - 1;
  response.writeHead(range ? 206 : 200, {
    'Content-Length': end - start + 1,
    ...(range ? { 'Content-Range': `bytes ${start}-${end}/${size}` } : {}),
  });
  if (request.method === 'HEAD') return response.end();
  return createReadStream(file, { start, end }).pipe(response);
}

before(async () => {
  const fixture = process.env.LAKE_FIXTURE ?? path.join(root, 'build/test/lake_fixture');
  tables = JSON.parse(execFileSync(fixture, [data], { maxBuffer: 1 << 28 })).tables;
  server = createServer(serve).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const base = `http://127.0.0.1:${server.address().port}`;
  globalThis.fetch = (url, options) =>
    realFetch(String(url).startsWith('file://') ? base + encodeURI(String(url).slice('file://'.length)) : url, options);
  ({ icebergRead } = await import('icebird'));
});

after(() => {
  globalThis.fetch = realFetch;
  server?.close();
  rmSync(data, { recursive: true, force: true });
});

const isReal = (type) => type.startsWith('decimal') || type === 'float' || type === 'double';

// The value as text in the form that DuckDB prints; numbers that JavaScript holds as doubles are compared as such.
function textOf(value, type) {
  if (value === null || value === undefined) return null;
  if (isReal(type)) return Number(value).toPrecision(14);
  if (type === 'date') return value.toISOString().slice(0, 10);
  if (type === 'timestamp' || type === 'timestamptz') return millis(value);
  if (type === 'time') return micros(value);
  if (type === 'binary') return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value);
  if (type === 'uuid') return value instanceof Uint8Array ? uuid(value) : String(value);
  if (type.startsWith('list')) return `[${value.map((item) => item ?? 'NULL').join(', ')}]`;
  if (type.startsWith('struct')) return `{${Object.entries(value).map(([k, v]) => `'${k}': ${v}`).join(', ')}}`;
  if (type.startsWith('map')) return `{${Object.entries(value).map(([k, v]) => `${k}=${v}`).join(', ')}}`;
  return String(value);
}

// JavaScript's dates hold milliseconds.
function millis(date) {
  return date.toISOString().replace('T', ' ').replace('Z', '');
}

function micros(value) {
  const total = BigInt(value);
  const pad = (n, width) => String(n).padStart(width, '0');
  const text = `${pad(total / 3600000000n, 2)}:${pad((total / 60000000n) % 60n, 2)}:${pad((total / 1000000n) % 60n, 2)}`;
  const rest = total % 1000000n;
  return rest ? `${text}.${pad(rest, 6).replace(/0+$/, '')}` : text;
}

function uuid(bytes) {
  return Buffer.from(bytes).toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

// DuckDB's text in the form that textOf gives.
function expectedOf(text, type) {
  if (text === null) return null;
  if (isReal(type)) return Number(text).toPrecision(14);
  if (type === 'timestamp' || type === 'timestamptz') {
    const [whole, fraction = ''] = text.replace('+00', '').split('.');
    const total = BigInt(Date.parse(`${whole.replace(' ', 'T')}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0'));
    return millis(new Date(Number(total / 1000n))); // towards zero, as that reader does
  }
  return text;
}

const sorted = (rows) => rows.map((row) => JSON.stringify(row)).sort();

function metadataOf(table) {
  return JSON.parse(readFileSync(table.metadata, 'utf8'));
}

for (const name of ['types', 'by_day', 'by_region', 'evolved', 'changed', 'merged', 'names']) {
  test(`icebird reads ${name}`, async () => {
    const table = tables.find((candidate) => candidate.name === name);
    const rows = await icebergRead({ tableUrl: `file://${table.location}`, metadata: metadataOf(table) });
    const have = rows.map((row) => table.columns.map((column) => textOf(row[column.name], column.type)));
    const want = table.rows.map((row) => row.map((text, i) => expectedOf(text, table.columns[i].type)));
    assert.ok(want.length > 0);
    assert.deepEqual(sorted(have), sorted(want));
  });
}

test('snapshot ids survive readers that hold numbers as doubles', () => {
  for (const table of tables)
    for (const snapshot of metadataOf(table).snapshots)
      assert.ok(Number.isSafeInteger(snapshot['snapshot-id']) && snapshot['snapshot-id'] > 0);
});
