// Reads lake tables with icebird, an Iceberg reader nobody here wrote, and makes its values comparable with DuckDB's text.
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';

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

// Starts the file server and routes file:// URLs to it. Returns { read(metadataPath), close() }.
export async function openIcebird() {
  const server = createServer(serve).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const base = `http://127.0.0.1:${server.address().port}`;
  const realFetch = globalThis.fetch;
  globalThis.fetch = (url, options) =>
    realFetch(String(url).startsWith('file://') ? base + encodeURI(String(url).slice('file://'.length)) : url, options);
  const { icebergRead } = await import('icebird');
  return {
    // Rows as objects by column name.
    async read(metadataPath) {
      const metadata = readMetadata(metadataPath);
      return icebergRead({ tableUrl: metadata.location, metadata });
    },
    close() {
      globalThis.fetch = realFetch;
      server.close();
    },
  };
}

export function readMetadata(metadataPath) {
  return JSON.parse(readFileSync(metadataPath.replace(/^file:\/\//, ''), 'utf8'));
}

const isReal = (type) => type.startsWith('decimal') || type === 'float' || type === 'double';

// The value as text in the form that DuckDB prints; numbers that JavaScript holds as doubles are compared as such.
export function textOf(value, type) {
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
export function expectedOf(text, type) {
  if (text === null) return null;
  if (isReal(type)) return Number(text).toPrecision(14);
  if (type === 'timestamp' || type === 'timestamptz') {
    const [whole, fraction = ''] = text.replace('+00', '').split('.');
    const total = BigInt(Date.parse(`${whole.replace(' ', 'T')}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0'));
    return millis(new Date(Number(total / 1000n))); // towards zero, as that reader does
  }
  return text;
}

export const sorted = (rows) => rows.map((row) => JSON.stringify(row)).sort();
