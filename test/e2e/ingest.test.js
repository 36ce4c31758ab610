// `tarn ingest`: landing files become bronze rows, each file exactly once, whatever happens in between.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { binary, makeFolder, tarn } from './tarn.js';

const shop = `source: shop
type: files
entities:
  orders:
    files: {format: csv, header: true}
  sessions:
    files: {format: ndjson}
  products:
    files: {format: json}
`;
const day = (source, entity, date, name) => `.tarn/landing/${source}/${entity}/${date}/${name}`;

function project(t, files = {}) {
  return makeFolder(t, { 'tarn.yml': 'name: shop\n', 'sources/shop.yml': shop, ...files });
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

test('declared files: every value exactly as in the file, with file, line, load and arrival', (t) => {
  const cwd = project(t, {
    [day('shop', 'orders', '2026-03-01', 'a.csv')]:
      'order_id,note,amount\r\n 007 ,"said ""hi"", twice",1.50\r\n8,,\r\n9,"","two\nlines"\r\n10,x,y\r\n',
    [day('shop', 'sessions', '2026-03-02', 's.ndjson')]:
      '{"id": 1, "at": "2026-03-02", "tags": ["a", {"b": 1.0}], "ok": true}\n\n{"id": null, "caf\\u00e9": "\\ud83d\\ude00\\n"}\n',
    [day('shop', 'products', '2026-03-02', 'p.json')]: '[\n  {"sku": "A", "price": 1.50},\n  {"sku": "B"}\n]\n',
  });
  const { status, stderr, result } = ingest(cwd);
  assert.equal(status, 0, stderr);
  assert.deepEqual([result.files, result.rows, result.rejected_rows, result.rejected_files], [3, 8, 0, 0]);

  const orders = query(cwd, 'select * from bronze.orders order by _line');
  assert.deepEqual(orders.map((row) => [row.order_id, row.note, row.amount, row._line]), [
    [' 007 ', 'said "hi", twice', '1.50', 2], ['8', null, null, 3], ['9', '', 'two\nlines', 4], ['10', 'x', 'y', 6],
  ]);
  assert.equal(orders[0]._file, 'shop/orders/2026-03-01/a.csv');
  assert.equal(orders[0]._arrived_on, '2026-03-01');
  assert.equal(orders[0]._load_id, result.load_id);
  const sessions = query(cwd, 'select id, "at", tags, ok, "café", _line from bronze.sessions order by _line');
  assert.deepEqual(sessions, [
    { id: '1', at: '2026-03-02', tags: '["a", {"b": 1.0}]', ok: 'true', 'café': null, _line: 1 },
    { id: null, at: null, tags: null, ok: null, 'café': '\u{1F600}\n', _line: 3 },
  ]);
  assert.deepEqual(query(cwd, 'select sku, price, _line from bronze.products order by _line'),
    [{ sku: 'A', price: '1.50', _line: 1 }, { sku: 'B', price: null, _line: 2 }]);
  const types = query(cwd, "select distinct column_type from (describe bronze.orders) where column_name in ('order_id', 'amount')");
  assert.deepEqual(types, [{ column_type: 'VARCHAR' }]);
});

test('the same content changes nothing, under whatever name it comes', (t) => {
  const text = 'order_id,amount\n1,2\n';
  const cwd = project(t, { [day('shop', 'orders', '2026-03-01', 'a.csv')]: text });
  assert.equal(ingest(cwd).result.rows, 1);
  let again = ingest(cwd);
  assert.deepEqual([again.status, again.result.rows, again.result.known_files], [0, 0, 1]);

  mkdirSync(path.join(cwd, '.tarn/landing/shop/orders/2026-03-02'), { recursive: true });
  writeFileSync(path.join(cwd, day('shop', 'orders', '2026-03-02', 'b.csv')), text);
  again = ingest(cwd);
  assert.equal(again.result.rows, 0);
  assert.deepEqual(again.result.duplicates,
    [{ file: 'shop/orders/2026-03-02/b.csv', of: 'shop/orders/2026-03-01/a.csv' }]);
  utimesSync(path.join(cwd, day('shop', 'orders', '2026-03-01', 'a.csv')), new Date(), new Date());
  again = ingest(cwd); // touched, not changed
  assert.deepEqual([again.status, again.result.rows, again.result.known_files], [0, 0, 2]);
  assert.deepEqual(query(cwd, 'select count(*) as n from bronze.orders'), [{ n: 1 }]);
  const { stdout } = tarn(['ingest'], { cwd });
  assert.match(stdout, /Nothing new: 2 files were loaded before/);
});

test('two files with the same content in one run load once', (t) => {
  const cwd = project(t, {
    [day('shop', 'orders', '2026-03-01', 'a.csv')]: 'order_id\n1\n',
    [day('shop', 'orders', '2026-03-02', 'a.csv')]: 'order_id\n1\n',
  });
  const { result } = ingest(cwd);
  assert.deepEqual([result.files, result.rows, result.duplicates.length], [1, 1, 1]);
  assert.equal(query(cwd, 'select _arrived_on from bronze.orders')[0]._arrived_on, '2026-03-01');
});

test('a landing file that was changed after loading is an error, and loads nothing', (t) => {
  const cwd = project(t, { [day('shop', 'orders', '2026-03-01', 'a.csv')]: 'order_id\n1\n' });
  ingest(cwd);
  writeFileSync(path.join(cwd, day('shop', 'orders', '2026-03-01', 'a.csv')), 'order_id\n1\n2\n');
  const { status, stderr } = ingest(cwd);
  assert.equal(status, 3);
  assert.match(stderr, /a\.csv: the file was changed after it was loaded .* under another name/);
  assert.deepEqual(query(cwd, 'select count(*) as n from bronze.orders'), [{ n: 1 }]);
});

test('a declared column is there before any file brings it', (t) => {
  const cwd = project(t, {
    'sources/made.yml': 'source: made\ntype: synthetic\nperiod: {until: 2026-01-31, days: 31}\nentities:\n  visits:\n    rows: 10\n'
      + '    files: {format: ndjson}\n    fields:\n      id: {sequence: 1}\n      _x: {value: 1, hidden: true}\n      via: {value: web}\n'
      + '    faults:\n      - {fault: schema_change, from: 2026-02-01, column: via, rename_to: channel}\n',
    'sources/crm.yml': 'source: crm\ntype: files\nentities:\n  people:\n    files: {format: csv, header: true}\n    columns: [id, name, phone]\n',
    [day('made', 'visits', '2026-01-31', 'a.ndjson')]: '{"id": 1}\n',
    [day('crm', 'people', '2026-01-31', 'a.csv')]: 'name,id\nAnn,1\n',
  });
  assert.equal(ingest(cwd).status, 0);
  assert.deepEqual(query(cwd, 'select * exclude (_file, _line, _load_id, _loaded_at, _arrived_on) from bronze.visits'),
    [{ id: '1', via: null, channel: null }]);
  assert.deepEqual(query(cwd, 'select * exclude (_file, _line, _load_id, _loaded_at, _arrived_on) from bronze.people'),
    [{ name: 'Ann', id: '1', phone: null }]);
});

test('columns go by name: files gain, lose, rename and reorder them', (t) => {
  const cwd = project(t, {
    [day('shop', 'orders', '2026-03-01', 'a.csv')]: 'order_id,channel,amount\n1,web,10\n',
    [day('shop', 'orders', '2026-03-02', 'b.csv')]: 'amount,order_id,coupon\n20,2,SPRING\n',
  });
  assert.equal(ingest(cwd).status, 0);
  mkdirSync(path.join(cwd, '.tarn/landing/shop/orders/2026-03-03'), { recursive: true });
  writeFileSync(path.join(cwd, day('shop', 'orders', '2026-03-03', 'c.csv')), 'ORDER_ID,sales_channel\n3,app\n');
  assert.equal(ingest(cwd).status, 0);
  assert.deepEqual(
    query(cwd, 'select order_id, channel, amount, coupon, sales_channel from bronze.orders order by order_id'), [
      { order_id: '1', channel: 'web', amount: '10', coupon: null, sales_channel: null },
      { order_id: '2', channel: null, amount: '20', coupon: 'SPRING', sales_channel: null },
      { order_id: '3', channel: null, amount: null, coupon: null, sales_channel: 'app' },
    ]);
});

test('odd headers: names are made unique, Tarn\'s own stay free', (t) => {
  const cwd = project(t, { [day('shop', 'orders', '2026-03-01', 'a.csv')]: 'id,ID,,_file, "x" \n1,2,3,4,5\n' });
  assert.equal(ingest(cwd).status, 0);
  const [row] = query(cwd, 'select * exclude (_load_id, _loaded_at, _arrived_on, _line) from bronze.orders');
  assert.deepEqual(row, { id: '1', ID_2: '2', column3: '3', _file_2: '4', '"x"': '5', _file: 'shop/orders/2026-03-01/a.csv' });
});

test('many small files make one commit per table', (t) => {
  const files = {};
  for (let i = 0; i < 60; i++)
    files[day('shop', 'orders', `2026-03-${String(1 + (i % 20)).padStart(2, '0')}`, `f${i}.csv`)] = `order_id\n${i}\n`;
  const cwd = project(t, files);
  assert.equal(ingest(cwd).result.rows, 60);
  const { stdout } = tarn(['describe', 'bronze.orders', '--json'], { cwd });
  const table = JSON.parse(stdout);
  assert.equal(table.snapshots.length, 1);
  assert.deepEqual(table.partition, [{ column: '_arrived_on', transform: 'identity' }]);
  assert.equal(query(cwd, 'select count(distinct _file) as n from bronze.orders')[0].n, 60);
});

test('files are cut for several threads without losing or doubling a record', (t) => {
  const lines = ['id,text,n'];
  const rows = 120_000;
  for (let i = 0; i < rows; i++)
    lines.push(i % 7 === 0 ? `${i},"line ${i}\nand, ""more""",${i * 2}` : `${i},plain ${i},${i * 2}`);
  const cwd = project(t, { [day('shop', 'orders', '2026-03-01', 'big.csv')]: `${lines.join('\n')}\n` });
  assert.equal(ingest(cwd).result.rows, rows);
  assert.deepEqual(query(cwd, `select count(*) as n, count(distinct id) as ids, sum(id::int)::bigint as total,
    count(*) filter (n::int = id::int * 2) as right, count(*) filter (text like 'line%more"') as quoted from bronze.orders`),
  [{ n: rows, ids: rows, total: rows * (rows - 1) / 2, right: rows, quoted: Math.ceil(rows / 7) }]);
  // a record's line is where it starts: every seventh record before it took two lines
  assert.deepEqual(query(cwd, `select count(*) as wrong from bronze.orders
    where _line <> 2 + id::int + (id::int + 6) // 7`), [{ wrong: 0 }]);
});

// "order_id,name\n5,Zo" and "ë\n" as two zstd frames, made with the zstd program.
const zstdFrames = ['KLUv/QRYkQAAb3JkZXJfaWQsbmFtZQo1LFpvv1N36A==', 'KLUv/QRYGQAAw6sKP6MFew=='].map((text) => Buffer.from(text, 'base64'));

test('gzip, zstd, UTF-16 and a byte order mark', (t) => {
  const text = 'order_id,name\n1,Zoë\n';
  const cwd = project(t);
  const folder = path.join(cwd, '.tarn/landing/shop/orders/2026-03-01');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'a.csv.gz'), gzipSync(text));
  writeFileSync(path.join(folder, 'b.csv'), Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text.replace('1', '2'), 'utf16le')]));
  writeFileSync(path.join(folder, 'c.csv'), Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text.replace('1', '3'))]));
  writeFileSync(path.join(folder, 'd.csv'), Buffer.from(text.replace('1', '4'), 'utf16le'));
  writeFileSync(path.join(folder, 'e.csv.zst'), Buffer.concat(zstdFrames));
  const { status, stderr } = ingest(cwd);
  assert.equal(status, 0, stderr);
  assert.deepEqual(query(cwd, 'select order_id, name from bronze.orders order by 1'),
    ['1', '2', '3', '4', '5'].map((order_id) => ({ order_id, name: 'Zoë' })));
});

test('a zstd file that is cut off or damaged is rejected whole; its name says the format', (t) => {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: p\n' });
  const damaged = Buffer.concat(zstdFrames);
  damaged[damaged.length - 3] ^= 0xff;
  writeFileSync(path.join(cwd, 'whole.csv.zst'), Buffer.concat(zstdFrames));
  writeFileSync(path.join(cwd, 'cut.csv.zst'), zstdFrames[0].subarray(0, -5));
  writeFileSync(path.join(cwd, 'bad.csv.zst'), damaged);
  const { result } = ingest(cwd, 'whole.csv.zst', 'cut.csv.zst', 'bad.csv.zst');
  const reasons = Object.fromEntries(result.rejected.map(({ file, reason }) => [path.basename(file), reason]));
  assert.match(reasons['cut.csv.zst'], /the zstd file is cut off at byte/);
  assert.match(reasons['bad.csv.zst'], /the zstd file is damaged at byte/);
  assert.deepEqual(query(cwd, 'select order_id, name from bronze.whole'), [{ order_id: 5, name: 'Zoë' }]);
});

test('Parquet keeps its types; what does not fit the table is rescued', (t) => {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: p\n' });
  const write = (name, sql) => {
    // EXPLAIN ANALYZE runs the COPY, which `tarn sql` itself refuses
    const done = tarn(['sql', `explain analyze copy (${sql}) to '${path.join(cwd, name)}' (format parquet)`], { cwd });
    assert.equal(done.status, 0, done.stderr);
  };
  write('one.parquet', "select i as id, i * 1.5::decimal(10,2) as price, [i, i + 1] as list, date '2026-01-01' + i::int as day from range(3) t(i)");
  write('two.parquet', "select 7 as id, 'not a number' as price, 'extra' as more");
  assert.equal(ingest(cwd, 'one.parquet', '--table', 'things').status, 0);
  const { status, stderr } = ingest(cwd, 'two.parquet', '--table', 'things');
  assert.equal(status, 0, stderr);
  const rows = query(cwd, 'select id, price, list, day, more, _line, _rescued from bronze.things order by id');
  assert.deepEqual(rows[2], { id: 2, price: 3, list: [2, 3], day: '2026-01-03', more: null, _line: 3, _rescued: null });
  assert.deepEqual([rows[3].id, rows[3].price, rows[3].more, JSON.parse(rows[3]._rescued)],
    [7, null, 'extra', { price: 'not a number' }]);
});

test('kill -9 at any moment, then again: nothing lost, nothing twice', async (t) => {
  const files = {};
  let rows = 0;
  for (const [entity, count] of [['orders', 4], ['sessions', 3]]) {
    for (let i = 0; i < count; i++) {
      const lines = [];
      for (let n = 0; n < 4000; n++, rows++)
        lines.push(entity === 'orders' ? `${i},${n}` : `{"file": ${i}, "n": ${n}}`);
      const head = entity === 'orders' ? 'file,n\n' : '';
      files[day('shop', entity, `2026-03-0${i + 1}`, entity === 'orders' ? 'f.csv' : 'f.ndjson')] = `${head}${lines.join('\n')}\n`;
    }
  }
  const cwd = project(t, files);
  const landing = path.join(cwd, '.tarn/landing'), kept = path.join(cwd, 'kept');
  cpSync(landing, kept, { recursive: true });
  for (let round = 0; round < 12; round++) {
    rmSync(path.join(cwd, '.tarn'), { recursive: true, force: true });
    mkdirSync(path.join(cwd, '.tarn'));
    cpSync(kept, landing, { recursive: true });
    const child = spawn(binary, ['ingest', '--quiet'], { cwd, stdio: 'ignore' });
    const ended = new Promise((resolve) => { child.on('close', resolve); });
    const timer = setTimeout(() => child.kill('SIGKILL'), 10 + round * 15);
    await ended;
    clearTimeout(timer);
    const { status, stderr } = ingest(cwd);
    assert.equal(status, 0, stderr);
    assert.deepEqual(query(cwd, `select (select count(*) from bronze.orders) + (select count(*) from bronze.sessions) as n,
      (select count(distinct (file, n)) from bronze.orders) + (select count(distinct (file, n)) from bronze.sessions) as d`),
    [{ n: rows, d: rows }], `killed after ${10 + round * 15} ms`);
  }
});

test('two loads at the same time load each file once', async (t) => {
  const files = {};
  for (let i = 0; i < 8; i++) files[day('shop', 'orders', `2026-03-0${i + 1}`, 'f.csv')] = `order_id\n${i}\n`;
  const cwd = project(t, files);
  const runs = [1, 2, 3].map(() => new Promise((resolve) => {
    const child = spawn(binary, ['ingest', '--quiet'], { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (data) => { stderr += data; });
    child.on('close', (status) => resolve({ status, stderr }));
  }));
  for (const { status, stderr } of await Promise.all(runs)) assert.equal(status, 0, stderr);
  assert.deepEqual(query(cwd, 'select count(*) as n, count(distinct order_id) as d from bronze.orders'), [{ n: 8, d: 8 }]);
});

test('an undeclared landing folder is loaded by inference; hidden files are left alone', (t) => {
  const cwd = project(t, {
    [day('crm', 'Contacts', '2026-03-01', 'c.csv')]: 'id;since;score\n1;2026-01-01;1.5\n2;2026-01-02;2\n',
    [day('crm', 'Contacts', '2026-03-01', '.partial.csv')]: 'id\n9\n',
  });
  assert.equal(ingest(cwd).result.rows, 2);
  assert.deepEqual(query(cwd, 'select id, since, score from bronze.contacts order by id'),
    [{ id: 1, since: '2026-01-01', score: 1.5 }, { id: 2, since: '2026-01-02', score: 2 }]);
});

test('the project that was moved still knows what it loaded', (t) => {
  const cwd = project(t, { [day('shop', 'orders', '2026-03-01', 'a.csv')]: 'order_id\n1\n' });
  ingest(cwd);
  const elsewhere = makeFolder(t);
  renameSync(path.join(cwd, '.tarn/landing'), path.join(elsewhere, 'landing'));
  renameSync(path.join(elsewhere, 'landing'), path.join(cwd, '.tarn/landing'));
  assert.equal(ingest(cwd).result.known_files, 1);
  assert.ok(readdirSync(path.join(cwd, '.tarn')).includes('state.db'));
});
