// Bad input: a clear error, nothing lost, and a later run succeeds.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, readdirSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { binary, makeFolder, tarn } from './tarn.js';

const shop = 'source: shop\ntype: files\nentities:\n  orders:\n    files: {format: csv, header: true}\n    columns: [order_id]\n';
const landing = '.tarn/landing/shop/orders/2026-03-01';

function project(t, files = {}) {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: shop\n', 'sources/shop.yml': shop });
  mkdirSync(path.join(cwd, landing), { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(cwd, landing, name), bytes);
  return cwd;
}
function ingest(cwd, ...args) {
  const done = tarn(['ingest', '--json', ...args], { cwd });
  return { ...done, result: done.stdout ? JSON.parse(done.stdout) : undefined };
}
function query(cwd, sql) {
  const done = tarn(['sql', sql, '--format', 'json'], { cwd });
  assert.equal(done.status, 0, done.stderr);
  return JSON.parse(done.stdout);
}
const rejectedFiles = (cwd) => query(cwd, 'select _file, entity, reason, size_bytes, length(sha256) as hash from bronze.rejected_files order by _file');
const rejectedRows = (cwd) => query(cwd, 'select _line, reason, raw from bronze.rejected_rows order by _file, _line');

test('the reject tables are there from the first load on', (t) => {
  const cwd = project(t);
  assert.equal(ingest(cwd).status, 0);
  assert.deepEqual(rejectedFiles(cwd), []);
  assert.deepEqual(rejectedRows(cwd), []);
});

test('a missing file, an empty folder, a pattern without match, a folder as a file', (t) => {
  const cwd = project(t);
  mkdirSync(path.join(cwd, 'nothing'));
  for (const [argument, said] of [['nope.csv', /nope\.csv: No such file/], ['nothing', /nothing: the folder holds no files/],
    ['x*.csv', /x\*\.csv: no file matches/],
    ['.', /the folder is a project \(it has tarn\.yml\), whose own files are no data; .* `tarn ingest data`/]]) {
    const { status, stderr } = ingest(cwd, argument);
    assert.equal(status, 2, stderr);
    assert.match(stderr, said);
  }
  assert.equal(ingest(cwd, 'nope.csv', '--format', 'xml').status, 2);
  assert.equal(ingest(cwd, '--table', 'x').status, 2);
});

test('files that cannot be read as declared are rejected whole, with the reason; the others load', (t) => {
  const junk = Buffer.alloc(50_000);
  for (let i = 0, x = 7; i < junk.length; i++) { x = (x * 1103515245 + 12345) & 0x7fffffff; junk[i] = x >> 16; }
  const cwd = project(t, {
    'empty.csv': '', 'junk.csv': junk, 'lines.csv': '\n\n\n', 'image.csv': Buffer.from('\x89PNG\r\n\x1a\n0000', 'latin1'),
    'other.csv': 'a,b\n1,2\n', 'cut.csv.gz': Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b]), 'odd.csv': Buffer.from([0xff, 0xfe, 0x61]),
    'header.csv': 'order_id,\xff\n1,2\n', 'good.csv': 'order_id\n1\n', 'only-header.csv': 'order_id\n',
  });
  writeFileSync(path.join(cwd, landing, 'header.csv'), Buffer.from('order_id,\xff\n1,2\n', 'latin1'));
  const { status, result } = ingest(cwd);
  assert.equal(status, 0);
  assert.deepEqual([result.rows, result.files, result.rejected_files], [1, 2, 8]);
  const reasons = Object.fromEntries(rejectedFiles(cwd).map((row) => [path.basename(row._file), row.reason]));
  assert.match(reasons['empty.csv'], /empty \(0 bytes\)/);
  assert.match(reasons['junk.csv'], /not text in UTF-8/);
  assert.match(reasons['lines.csv'], /nothing but empty lines/);
  assert.match(reasons['image.csv'], /PNG image/);
  assert.match(reasons['other.csv'], /header: none of the declared columns/);
  assert.match(reasons['cut.csv.gz'], /gzip file is damaged or cut off/);
  assert.match(reasons['odd.csv'], /UTF-16 .* cut off/);
  assert.match(reasons['header.csv'], /header: the text is not valid UTF-8/);
  for (const row of rejectedFiles(cwd)) assert.deepEqual([row.entity, row.hash], ['orders', 64]);
  assert.equal(ingest(cwd).result.known_files, 10); // not rejected a second time
});

test('0-byte Parquet, no Parquet at all, a Parquet file cut off', (t) => {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: p\n', 'zero.parquet': '', 'text.parquet': 'a,b\n1,2\n' });
  for (const name of ['whole', 'cut', 'torn']) {
    const file = path.join(cwd, `${name}.parquet`);
    const done = tarn(['sql', `explain analyze copy (select i as id, hash(i + ${name.length})::varchar as h from range(50000) t(i)) to '${file}' (format parquet)`], { cwd });
    assert.equal(done.status, 0, done.stderr);
  }
  truncateSync(path.join(cwd, 'cut.parquet'), 100_000);
  const fd = openSync(path.join(cwd, 'torn.parquet'), 'r+');
  writeSync(fd, Buffer.alloc(60_000, 0xff), 0, 60_000, 1000); // footer whole, pages damaged
  closeSync(fd);
  const { status, stderr, result } = ingest(cwd, 'zero.parquet', 'text.parquet', 'cut.parquet', 'torn.parquet', 'whole.parquet', '--table', 'things');
  assert.equal(status, 0, stderr);
  assert.deepEqual([result.rows, result.rejected_files], [50_000, 4]);
  const reasons = Object.fromEntries(rejectedFiles(cwd).map((row) => [path.basename(row._file), row.reason]));
  assert.match(reasons['zero.parquet'], /empty \(0 bytes\)/);
  for (const name of ['text', 'cut', 'torn']) assert.match(reasons[`${name}.parquet`], /cannot be read as Parquet: \S/);
  assert.deepEqual(query(cwd, 'select count(*) as n from bronze.things'), [{ n: 50_000 }]);
});

test('records that cannot be read go to rejected_rows with line, reason and text; counts add up', (t) => {
  const cwd = project(t, {
    'a.csv': Buffer.concat([Buffer.from('order_id,name\n1,Anna\n2\n3,a,b\n4,B'), Buffer.from([0xff]), Buffer.from('en\n5,"x" y\n6,C\0\n7,Dora\n8,"never clo')]),
  });
  const { status, result } = ingest(cwd);
  assert.equal(status, 0);
  assert.deepEqual([result.rows, result.rejected_rows], [2, 6]);
  assert.deepEqual(rejectedRows(cwd), [
    { _line: 3, reason: 'it has 1 field, the file has 2 columns', raw: '2' },
    { _line: 4, reason: 'it has 3 fields, the file has 2 columns', raw: '3,a,b' },
    { _line: 5, reason: 'the text is not valid UTF-8 at byte 32 of the file', raw: '4,B\\xFFen' },
    { _line: 6, reason: 'there is text behind a closing quote at byte 41 of the file', raw: '5,"x" y' },
    { _line: 7, reason: 'there is a zero byte at byte 47 of the file', raw: '6,C\\x00' },
    { _line: 9, reason: 'a quoted field is never closed (from byte 56 of the file, 12 bytes)', raw: '8,"never clo' },
  ]);
  assert.deepEqual(query(cwd, 'select order_id, name, _line from bronze.orders order by _line'),
    [{ order_id: '1', name: 'Anna', _line: 2 }, { order_id: '7', name: 'Dora', _line: 8 }]);
});

test('bad JSON: one record is lost to rejected_rows, not its neighbours', (t) => {
  const cwd = makeFolder(t, {
    'tarn.yml': 'name: j\n',
    'lines.ndjson': '{"a": 1}\n{"a": }\nnot json\n[1, 2]\n{"a": 2',
    'array.json': '[{"a": 1}, {"a": nope}, {"a": "x,]}"}, {"a": 4',
    'text.json': 'hello',
  });
  const { status, result } = ingest(cwd, 'lines.ndjson', 'array.json', 'text.json', '--table', 'j');
  assert.equal(status, 0);
  assert.deepEqual([result.rows, result.rejected_rows, result.rejected_files], [3, 6, 1]);
  assert.match(rejectedFiles(cwd)[0].reason, /not JSON records: it starts with neither/);
  assert.deepEqual(rejectedRows(cwd).map((row) => row._line), [2, 4, 2, 3, 4, 5]);
});

test('a 100 MB line is set aside without taking the memory of it', (t) => {
  const cwd = project(t);
  const fd = openSync(path.join(cwd, landing, 'long.csv'), 'w');
  writeSync(fd, 'order_id,note\n1,a\n2,');
  const piece = Buffer.alloc(1 << 20, 'x');
  for (let i = 0; i < 100; i++) writeSync(fd, piece);
  writeSync(fd, '\n3,c\n');
  closeSync(fd);
  const started = spawnSync('bash', ['-c', 'ulimit -d 1500000; exec "$0" ingest --json --memory-limit 300MB', binary], { cwd, encoding: 'utf8' });
  assert.equal(started.status, 0, started.stderr);
  const result = JSON.parse(started.stdout);
  assert.deepEqual([result.rows, result.rejected_rows], [2, 1]);
  const [row] = query(cwd, 'select _line, reason, length(raw) as n from bronze.rejected_rows');
  assert.equal(row._line, 3);
  assert.match(row.reason, /longer than 16 MiB \(from byte 18 of the file, 104857603 bytes\)/);
  assert.equal(row.n, 65_536 + 3);
  assert.deepEqual(query(cwd, 'select order_id, _line from bronze.orders order by 1'), [{ order_id: '1', _line: 2 }, { order_id: '3', _line: 4 }]);
});

test('a full disk: the commit fails cleanly, a later run succeeds', (t) => {
  const lines = ['order_id,note'];
  for (let i = 0; i < 60_000; i++) lines.push(`${i},${Math.imul(i, 2654435761) >>> 0}-${Math.imul(i, 40503) >>> 0}`);
  const cwd = project(t, { 'a.csv': `${lines.join('\n')}\n` });
  writeFileSync(path.join(cwd, 'small.csv'), 'id\n1\n');
  assert.equal(ingest(cwd, 'small.csv').status, 0); // the state file is there
  // no file may grow beyond 100 blocks of 1 kB; SIGXFSZ is ignored so that write fails as on a full disk
  const full = spawnSync('bash', ['-c', 'trap "" XFSZ; ulimit -f 100; exec "$0" ingest --json', binary], { cwd, encoding: 'utf8' });
  assert.equal(full.status, 3, full.stdout);
  assert.match(full.stderr, /tarn ingest: .*(too large|space|writ)/i);
  assert.deepEqual(query(cwd, "select count(*) as n from information_schema.tables where table_name = 'orders'"), [{ n: 0 }]);
  const { status, stderr, result } = ingest(cwd);
  assert.equal(status, 0, stderr);
  assert.equal(result.rows, 60_000);
  assert.deepEqual(query(cwd, 'select count(*) as n, count(distinct order_id) as d from bronze.orders'), [{ n: 60_000, d: 60_000 }]);
});

// Root may read everything, so it gives up the right to; it stays root, since the tree may lie where others cannot look.
function unprivileged(args, cwd) {
  const drop = process.getuid() === 0 ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : [];
  const [program, ...rest] = [...drop, binary, ...args];
  const done = spawnSync(program, rest, { cwd, encoding: 'utf8' });
  if (done.error) throw done.error;
  return done;
}

test('no permission: named, the other files load', (t) => {
  const cwd = project(t, { 'a.csv': 'order_id\n1\n', 'b.csv': 'order_id\n2\n' });
  chmodSync(path.join(cwd, landing, 'a.csv'), 0);
  const { status, stderr } = unprivileged(['ingest', '--quiet'], cwd);
  assert.equal(status, 3, stderr);
  assert.match(stderr, /a\.csv: Permission denied/);
  assert.deepEqual(query(cwd, 'select order_id from bronze.orders'), [{ order_id: '2' }]);
  chmodSync(path.join(cwd, landing, 'a.csv'), 0o644);
  assert.equal(ingest(cwd).result.rows, 1);
});

test('a data folder that cannot be written is named; its tables can still be read', (t) => {
  const cwd = project(t, { 'a.csv': 'order_id\n1\n' });
  ingest(cwd);
  writeFileSync(path.join(cwd, landing, 'b.csv'), 'order_id\n2\n');
  assert.equal(unprivileged(['tables'], cwd).status, 0);
  spawnSync('chmod', ['-R', 'a-w', path.join(cwd, '.tarn')]);
  const done = unprivileged(['ingest', '--quiet'], cwd);
  spawnSync('chmod', ['-R', 'u+w', path.join(cwd, '.tarn')]);
  assert.equal(done.status, 3, done.stderr);
  assert.match(done.stderr, /\.tarn\/[^:]*: .*(denied|read-?only|permission)/i);
  assert.equal(ingest(cwd).result.rows, 1);
});

test('Windows-1252 is read where no source declares the file; a stray byte in UTF-8 is no reason to', (t) => {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: shop\n' });
  const write = (name, ...parts) => writeFileSync(path.join(cwd, name), Buffer.concat(parts.map((part) => Buffer.from(part))));
  write('ansi.csv', 'id,name\n1,Jos', [0xe9], '\n2,', [0x80], '5 ', [0x96], '\n');
  write('mixed.csv', 'id,name\n1,José\n2,Jos', [0xe9], '\n');
  assert.equal(tarn(['ingest', 'ansi.csv', 'mixed.csv'], { cwd }).status, 0);
  assert.deepEqual(query(cwd, 'select name from bronze.ansi order by id'), [{ name: 'José' }, { name: '€5 –' }]);
  assert.deepEqual(query(cwd, 'select name from bronze.mixed'), [{ name: 'José' }]);
  assert.equal(rejectedRows(cwd).length, 1);
});

test('a model whose source has not been loaded says so', (t) => {
  const cwd = makeFolder(t);
  assert.equal(tarn(['init', 'shop'], { cwd }).status, 0);
  const done = tarn(['build'], { cwd: path.join(cwd, 'shop') });
  assert.equal(done.status, 1);
  assert.match(done.stderr, /the source bronze\.sales has no table yet; `tarn ingest` loads/);
  assert.match(done.stderr, /skip +main\.daily_sales +table skipped/);
});

test('a file whose name is not UTF-8 loads under a name that is', (t) => {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: shop\n' });
  const name = Buffer.concat([Buffer.from(`${cwd}/caf`), Buffer.from([0xe9]), Buffer.from('.csv')]);
  writeFileSync(name, 'a,b\n1,2\n');
  const done = spawnSync('sh', ['-c', 'exec "$0" ingest caf*', binary], { cwd, encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
  assert.deepEqual(query(cwd, 'select a, b, _file from bronze.caf').map((row) => [row.a, row.b, path.basename(row._file)]), [[1, 2, 'caf_.csv']]);
});

test('wrong types and keys in sources/*.yml name file and line', (t) => {
  const cwd = project(t);
  const cases = [
    ['source: [shop]\ntype: files\n', /shop\.yml:1.*source/],
    ['type: files\n', /shop\.yml:1.*source/],
    ['source: shop\ntype: files\nentities: 5\n', /shop\.yml:3.*entities.*map/],
    ['source: shop\ntype: files\nentities:\n  orders:\n    files: {format: xml}\n', /shop\.yml:5.*format.*csv/],
    ['source: shop\ntype: files\nentities:\n  orders:\n    files: {fromat: csv}\n', /shop\.yml:5.*fromat.*format/],
    ['source: shop\ntype: files\nentities:\n  orders:\n    files: {delimiter: ";;"}\n', /shop\.yml:5.*one character/],
    ['source: shop\ntype: files\nentities:\n  orders:\n    columns: [{a: 1}]\n', /shop\.yml:5.*a column is a name/],
    ['source: "shop\n', /shop\.yml:\d/],
  ];
  for (const [text, said] of cases) {
    writeFileSync(path.join(cwd, 'sources/shop.yml'), text);
    const { status, stderr } = ingest(cwd);
    assert.equal(status, 2, text);
    assert.match(stderr, said);
  }
});

test('a table with a damaged manifest is named; others can be read and loaded', (t) => {
  const cwd = project(t, { 'a.csv': 'order_id\n1\n' });
  writeFileSync(path.join(cwd, 'other.csv'), 'id\n1\n');
  ingest(cwd);
  ingest(cwd, 'other.csv');
  const metadata = path.join(cwd, '.tarn/lake/bronze/orders/metadata');
  for (const name of readdirSync(metadata).filter((one) => one.endsWith('.avro')))
    writeFileSync(path.join(metadata, name), 'damaged');
  const { status, stderr, stdout } = tarn(['sql', 'from bronze.other select id', '--format', 'csv'], { cwd });
  assert.equal(status, 0, stderr);
  assert.equal(stdout, 'id\n1\n');
  assert.match(stderr, /bronze.orders/);
  const broken = tarn(['sql', 'from bronze.orders'], { cwd });
  assert.equal(broken.status, 3);
  writeFileSync(path.join(cwd, landing, 'b.csv'), 'order_id\n2\n');
  writeFileSync(path.join(cwd, 'other2.csv'), 'id\n2\n');
  mkdirSync(path.join(cwd, '.tarn/landing/shop/other/2026-03-02'), { recursive: true });
  writeFileSync(path.join(cwd, '.tarn/landing/shop/other/2026-03-02/o.csv'), 'id\n3\n');
  const again = ingest(cwd);
  assert.equal(again.status, 3);
  assert.match(again.stderr, /bronze\.orders/);
  assert.deepEqual(query(cwd, 'select id from bronze.other order by id'), [{ id: 1 }, { id: 3 }]);
});

test('a file that was rejected loads when it is mended, or when asked again', (t) => {
  const cwd = project(t, { 'a.csv': 'other\n1\n' });
  assert.equal(ingest(cwd).result.rejected_files, 1);
  writeFileSync(path.join(cwd, 'sources/shop.yml'), shop.replace('[order_id]', '[other]'));
  assert.equal(ingest(cwd).result.rows, 0);
  assert.equal(ingest(cwd, '--retry').result.rows, 1);
  writeFileSync(path.join(cwd, landing, 'b.csv'), '');
  assert.equal(ingest(cwd).result.rejected_files, 1);
  writeFileSync(path.join(cwd, landing, 'b.csv'), 'other\n2\n');
  assert.equal(ingest(cwd).result.rows, 1);
  rmSync(path.join(cwd, landing, 'b.csv'));
  assert.equal(ingest(cwd).status, 0);
});

test('outside a project there is a clear sentence', (t) => {
  const { status, stderr } = tarn(['ingest'], { cwd: makeFolder(t) });
  assert.notEqual(status, 0);
  assert.match(stderr, /tarn\.yml/);
});
