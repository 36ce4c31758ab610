// `tarn generate`: the same bytes for the same parameters, and a ledger that tells every damage and nothing else.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { binary, makeFolder, startTarn, tarn } from './tarn.js';

const shopFile = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../examples/commerce/sources/shop.yml');
const shop = readFileSync(shopFile, 'utf8');
// The same shop with nothing wrong: every `faults:` list is dropped.
const cleanShop = shop.replace(/^ {4}faults:\n(?: {6}- .*\n)*/gm, '');

const project = (t, yaml) => makeFolder(t, { 'tarn.yml': 'name: shop\n', 'sources/shop.yml': yaml });
const generate = (cwd, ...args) => tarn(['generate', '--quiet', ...args], { cwd });

function generated(t, yaml, ...args) {
  const cwd = project(t, yaml);
  const done = generate(cwd, ...args);
  assert.equal(done.status, 0, done.stderr);
  return path.join(cwd, '.tarn');
}

function filesBelow(folder, prefix = '') {
  return readdirSync(path.join(folder, prefix), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(prefix, entry.name);
    return entry.isDirectory() ? filesBelow(folder, name) : [name];
  }).sort();
}

const hashOf = (folder) => filesBelow(folder).reduce(
  (hash, name) => hash.update(`${name}\0`).update(readFileSync(path.join(folder, name))), createHash('sha256')).digest('hex');

async function parquet(file) {
  const bytes = readFileSync(file);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return parquetReadObjects({ file: buffer, compressors });
}

// One CSV line as a list of fields, or null when a quote stays open.
function csvFields(line) {
  const fields = [];
  let at = 0;
  for (;;) {
    let field = '';
    if (line[at] === '"') {
      for (at++; ; at++) {
        if (at >= line.length) return null;
        if (line[at] !== '"') field += line[at];
        else if (line[at + 1] === '"') { field += '"'; at++; } else break;
      }
      at++;
    } else {
      while (at < line.length && line[at] !== ',') field += line[at++];
    }
    fields.push(field);
    if (at >= line.length) return fields;
    assert.equal(line[at], ',', line);
    at++;
  }
}

const asText = (value) => (value === null || value === undefined ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value));

// The records of a csv, json or ndjson file: [{ line, values: {column: text} }]; values is null when it cannot be read.
function records(file) {
  const bytes = readFileSync(file);
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const decode = (piece) => { try { return decoder.decode(piece); } catch { return null; } };
  if (file.endsWith('.json'))
    // numbers as they are written: 12.90 stays 12.90
    return decode(bytes).trimEnd().split('\n').slice(1, -1).map((line, i) => ({ line: i + 1, values: jsonValues(line.replace(/,$/, '')) }));
  const lines = [];
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(10, from);
    lines.push(decode(bytes.subarray(from, end < 0 ? bytes.length : end)));
    from = end < 0 ? bytes.length : end + 1;
  }
  if (file.endsWith('.ndjson')) return lines.map((line, i) => ({ line: i + 1, values: line === null ? null : jsonValues(line) }));
  const names = csvFields(lines[0]);
  return lines.slice(1).map((line, i) => {
    const fields = line === null ? null : csvFields(line);
    return { line: i + 2, values: fields?.length === names.length ? Object.fromEntries(names.map((name, k) => [name, fields[k]])) : null };
  });
}

function jsonValues(line) {
  try {
    const quoted = line.replace(/(":)(-?\d[\d.]*)(?=[,}])/g, '$1"$2"');
    return Object.fromEntries(Object.entries(JSON.parse(quoted)).map(([name, value]) => [name, asText(value)]));
  } catch {
    return null;
  }
}

const keys = {
  customers: 'customer_id', products: 'product_id', orders: 'order_id', order_items: 'item_id',
  inventory_movements: 'movement_id', marketing_spend: 'spend_id', sessions: 'session_id',
};
const parquetText = (value) => (value instanceof Date ? value.toISOString() : asText(value));

async function readAll(data) {
  const landing = path.join(data, 'landing');
  const all = [];
  for (const file of filesBelow(landing)) {
    const [, entity, day] = file.split(path.sep);
    const full = path.join(landing, file);
    const found = file.endsWith('.parquet')
      ? (await parquet(full)).map((row, i) => ({ line: i + 1, values: Object.fromEntries(Object.entries(row).map(([k, v]) => [k, parquetText(v)])) }))
      : records(full);
    for (const record of found) all.push({ entity, day, file, ...record });
  }
  return all.sort((a, b) => (a.day < b.day ? -1 : a.day > b.day ? 1 : a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
}

// The columns that were renamed or added by the change of schema, under one name.
const oldName = { sales_channel: 'channel' };
const alike = (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [oldName[name] ?? name, value]));

// Which columns of a record differ from the sound one.
function differences(record, sound) {
  const values = alike(record.values);
  return Object.keys(values).filter((name) => values[name] !== sound[name]);
}

// Checks one record against the ledger's entry for its line (undefined when there is none).
function checkRecord(record, entry, sound, seen, originals) {
  const where = `${record.file}:${record.line}`;
  if (record.values === null) {
    assert.ok(['encoding', 'truncated_file'].includes(entry?.fault), `${where} cannot be read, the ledger says ${entry?.fault}`);
    return;
  }
  const key = record.values[keys[record.entity]];
  const original = sound.get(`${record.entity}/${key}`);
  if (entry?.fault === 'near_duplicate') {
    assert.equal(key, entry.damaged, where);
    assert.equal(original, undefined, where);
    const changed = differences(record, sound.get(`${record.entity}/${entry.original}`));
    assert.ok(changed.length === 1 || changed.length === 2, `${where}: ${changed}`);
    return;
  }
  assert.ok(original, `${where}: the key ${key} belongs to nobody`);
  const changed = differences(record, original);
  const id = `${record.entity}/${key}`;
  if (!entry || !entry.fault.startsWith('duplicate')) {
    assert.ok(!seen.has(id), `${where}: a second ${id}, and the ledger does not say so`);
    seen.add(id);
    originals.add(id);
  } else {
    assert.ok(seen.has(id), `${where}: the copy of ${id} arrived before the original`);
  }
  if (!entry || entry.fault === 'duplicate_same') return assert.deepEqual(changed, [], where);
  if (entry.fault === 'duplicate_changed') {
    assert.equal(changed.length, 1, where);
    return assert.equal(entry.damaged.split('=')[1], alike(record.values)[changed[0]], where);
  }
  const column = oldName[entry.column_name] ?? entry.column_name;
  assert.deepEqual(changed, [column], `${where}: ${entry.fault}`);
  // Parquet holds numbers, not their spelling
  const spelt = (text) => (record.file.endsWith('.parquet') && text !== '' && Number.isFinite(Number(text)) ? Number(text) : text);
  assert.equal(spelt(entry.original), spelt(original[column]), where);
  return assert.equal(spelt(entry.damaged), spelt(alike(record.values)[column]), where);
}

test('the ledger tells every damage with its file and line, and nothing else is wrong', async (t) => {
  const scale = ['--set', 'orders=6000'];
  const damaged = generated(t, shop, ...scale), clean = generated(t, cleanShop, ...scale);
  const sound = new Map((await readAll(clean)).map((r) => [`${r.entity}/${r.values[keys[r.entity]]}`, alike(r.values)]));
  const faults = await parquet(path.join(damaged, 'ledger/faults.parquet'));
  const totals = await parquet(path.join(damaged, 'ledger/totals.parquet'));
  const byLine = new Map(faults.filter((f) => f.line !== null).map((f) => [`${f.file}:${f.line}`, f]));
  assert.equal(byLine.size, faults.filter((f) => f.line !== null).length, 'one entry a line');

  const seen = new Set(), originals = new Set(), rows = new Map();
  for (const record of await readAll(damaged)) {
    const place = `${record.file}:${record.line}`;
    checkRecord(record, byLine.get(place), sound, seen, originals);
    byLine.delete(place);
    rows.set(record.file, (rows.get(record.file) ?? 0) + 1);
  }
  assert.deepEqual([...byLine.keys()], [], 'entries of the ledger without a damaged line');
  for (const total of totals) assert.equal(Number(total.rows), rows.get(total.file), total.file);

  // every row is there once, is unreadable, or was lost behind a cut
  const lost = totals.reduce((sum, total) => sum + Number(total.lost_rows), 0);
  const unreadable = faults.filter((f) => ['encoding', 'truncated_file'].includes(f.fault)).length;
  assert.equal(originals.size + lost + unreadable, sound.size);
  assert.ok(lost > 0);
  const kinds = new Set(faults.map((f) => f.fault));
  for (const fault of ['null', 'wrong_type', 'mixed_date', 'case_variant', 'whitespace', 'bad_email', 'negative', 'absurd', 'duplicate_same',
    'duplicate_changed', 'near_duplicate', 'orphan', 'late_file', 'truncated_file', 'encoding', 'schema_change'])
    assert.ok(kinds.has(fault), `no ${fault} in the ledger`);
});

test('children refer to parents that exist and are older, totals add up', async (t) => {
  const all = await readAll(generated(t, cleanShop, '--set', 'orders=3000'));
  const of = (entity) => all.filter((r) => r.entity === entity).map((r) => r.values);
  const customers = new Map(of('customers').map((c) => [c.customer_id, c]));
  const products = new Map(of('products').map((p) => [p.product_id, p]));
  const sums = new Map();
  for (const item of of('order_items')) {
    assert.ok(products.has(item.product_id));
    sums.set(item.order_id, (sums.get(item.order_id) ?? 0) + Number(item.quantity) * Math.round(Number(item.unit_price) * 100));
  }
  assert.equal(of('orders').length, 3000);
  for (const order of of('orders')) {
    assert.ok(customers.get(order.customer_id).created_at <= order.order_date, order.order_id);
    assert.equal(customers.get(order.customer_id).address, order.shipping_address);
    assert.equal(Math.round(Number(order.total_amount) * 100), sums.get(order.order_id), order.order_id);
  }
  const orders = new Map(of('orders').map((o) => [o.order_id, o]));
  const bought = of('sessions').filter((s) => s.order_id !== '');
  assert.ok(bought.length > 0);
  for (const session of bought) {
    const order = orders.get(session.order_id);
    assert.equal(session.customer_id, order.customer_id);
    const last = JSON.parse(session.events).at(-1);
    assert.equal(last.event_type, 'purchase');
    assert.equal(last.at, order.order_date);
    assert.ok(session.started_at <= order.order_date);
  }
});

test('sources share one ledger, and each replaces its own part of it', async (t) => {
  const small = (source) => `source: ${source}\ntype: synthetic\nperiod: {until: 2026-01-31, days: 31}\nentities:\n  a:\n    rows: 100\n`
    + '    fields: {id: {sequence: 1}}\n    faults: [{fault: duplicate_same, rate: 0.2}]\n';
  const cwd = makeFolder(t, { 'tarn.yml': 'name: x\n', 'sources/one.yml': small('one'), 'sources/two.yml': small('two') });
  for (let i = 0; i < 2; i++) {
    const done = generate(cwd, '--force');
    assert.equal(done.status, 0, done.stderr);
    const totals = await parquet(path.join(cwd, '.tarn/ledger/totals.parquet'));
    assert.deepEqual(totals.map((total) => total.file.split('/')[0]).sort(), ['one', 'two']);
  }
  assert.equal(generate(cwd, 'two', '--seed', '2', '--force').status, 0);
  assert.match(generate(cwd, 'tow').stderr, /no synthetic source 'tow' .*did you mean 'two'\?/);
});

test('the same seed gives the same bytes on any number of threads, another seed others', (t) => {
  const scale = ['--set', 'orders=2000'];
  const one = generated(t, shop, ...scale, '--threads', '1');
  const many = generated(t, shop, ...scale, '--threads', '5');
  assert.equal(hashOf(path.join(many, 'landing')), hashOf(path.join(one, 'landing')));
  assert.equal(hashOf(path.join(many, 'ledger')), hashOf(path.join(one, 'ledger')));
  const other = generated(t, shop, ...scale, '--seed', '7');
  assert.notEqual(hashOf(path.join(other, 'landing')), hashOf(path.join(one, 'landing')));
});

test('a second run does nothing; other parameters need --force; --json tells what there is', (t) => {
  const cwd = project(t, shop);
  const first = JSON.parse(tarn(['generate', '--json', '--set', 'orders=500'], { cwd }).stdout)[0];
  assert.equal(first.up_to_date, false);
  const file = path.join(cwd, '.tarn/landing', filesBelow(path.join(cwd, '.tarn/landing'))[0]);
  const before = statSync(file).mtimeMs;
  const second = JSON.parse(tarn(['generate', '--json', '--set', 'orders=500'], { cwd }).stdout)[0];
  assert.deepEqual(second, { ...first, up_to_date: true });
  assert.equal(statSync(file).mtimeMs, before);

  const refused = generate(cwd, '--set', 'orders=600');
  assert.equal(refused.status, 3);
  assert.match(refused.stderr, /made with other parameters .* use --force/);
  assert.equal(generate(cwd, '--set', 'orders=600', '--force').status, 0);
  const orders = JSON.parse(tarn(['generate', '--json', '--set', 'orders=600'], { cwd }).stdout)[0].entities.find((e) => e.name === 'orders');
  assert.ok(orders.rows >= 600 && orders.rows < 640);
});

test('a file size limit ends in an error that names the file, leaves nothing half done, and the next run mends it', (t) => {
  const cwd = project(t, shop);
  const limited = spawnSync('sh', ['-c', 'ulimit -f 40; exec "$0" generate --quiet --set orders=3000', binary], { cwd, encoding: 'utf8' });
  assert.equal(limited.status, 3, limited.stderr);
  assert.match(limited.stderr, /writing .*: File too large|Could not write/);
  assert.deepEqual(readdirSync(path.join(cwd, '.tarn/landing')), []);
  assert.equal(generate(cwd, '--set', 'orders=3000').status, 0);
  assert.deepEqual(readdirSync(path.join(cwd, '.tarn/landing')), ['shop']);
});

test('a run killed at any moment is simply done again, with the same bytes', async (t) => {
  const scale = ['--set', 'orders=4000'];
  const calm = hashOf(generated(t, shop, ...scale));
  for (let round = 0; round < 6; round++) {
    const cwd = project(t, shop);
    const child = startTarn(t, ['generate', '--quiet', ...scale], { cwd });
    setTimeout(() => child.kill('SIGKILL'), 10 + 25 * round);
    await child.ended;
    const again = generate(cwd, ...scale);
    assert.equal(again.status, 0, again.stderr);
    assert.deepEqual(readdirSync(path.join(cwd, '.tarn/landing')), ['shop']);
    assert.equal(hashOf(path.join(cwd, '.tarn')), calm, `killed after ${10 + 25 * round} ms`);
  }
});

test('mistakes in the YAML name file, line and the nearest valid name', (t) => {
  const base = 'source: s\ntype: synthetic\nperiod: {until: 2026-01-31, days: 31}\nentities:\n  a:\n    rows: 10\n    fields:\n      id: {sequence: 1}\n';
  const cases = [
    [base.replace('sequence', 'sequnce'), /shop\.yml:8: .*there is no generator 'sequnce'; did you mean 'sequence'\?/],
    [`${base}      x: {unifrom: [1, 2]}\n`, /shop\.yml:9: .*'unifrom'; did you mean 'uniform'\?/],
    [`${base}      x: {normal: {mean: 1, sdd: 2}}\n`, /shop\.yml:9: .*sdd.*sd/],
    [`${base}      x: {expression: "idd + 1"}\n`, /shop\.yml:9: there is no field of a called 'idd'; did you mean 'id'\?/],
    [`${base}      x: {expression: "id + 'a'"}\n`, /shop\.yml:9: .*numbers/],
    [`${base}      x: {expression: "x + 1"}\n`, /shop\.yml:9: the field x depends on itself/],
    [`${base}      x: {reference: b}\n`, /shop\.yml:9: there is no entity 'b'/],
    [`${base}      x: {words: first_name}\n`, /shop\.yml:9: there is no word list 'first_name'; did you mean 'first_names'\?/],
    [`${base}    faults:\n      - {fault: orphn, column: id, rate: 0.1}\n`, /shop\.yml:10: there is no fault 'orphn'; did you mean 'orphan'\?/],
    [`${base}    faults:\n      - {fault: bad_email, column: id, rate: 0.1}\n`, /shop\.yml:10: the fault bad_email cannot hit id: it is no text/],
    [`${base}      x: {uniform: [5, 1]}\n`, /shop\.yml:9: uniform: from \(5\) must not be above to \(1\)/],
    [base.replace('rows: 10', 'rows: {count: ten}'), /shop\.yml:6: /],
    [base.replace('type: synthetic', 'type: syntetic'), /shop\.yml:2: there is no type of source 'syntetic'; did you mean 'synthetic'\?/],
    [base.replace('source: s', 'source: ../s'), /shop\.yml:1: the name of a source is made of letters/],
    [base.replace('2026-01-31', 'yesterday'), /shop\.yml:3: until must be a date such as 2026-10-31/],
  ];
  for (const [yaml, message] of cases) {
    const done = generate(project(t, yaml));
    assert.equal(done.status, 2, `${yaml}\n${done.stderr}`);
    assert.match(done.stderr, message);
  }
  const cwd = project(t, base);
  writeFileSync(path.join(cwd, 'sources/shop.yml'), '');
  assert.match(generate(cwd).stderr, /shop\.yml:1: a source needs `type`/);
  assert.ok(!existsSync(path.join(cwd, '.tarn/landing')));
});

test('the example of docs/generate.md works as it stands', async (t) => {
  const docs = readFileSync(path.join(path.dirname(shopFile), '../../../docs/generate.md'), 'utf8');
  const example = docs.match(/```yaml\n([^]*?)```/)[1];
  const data = generated(t, example);
  const totals = await parquet(path.join(data, 'ledger/totals.parquet'));
  assert.deepEqual([...new Set(totals.map((total) => total.entity))], ['customers', 'orders', 'items']);
});
