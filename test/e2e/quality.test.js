// `tarn quality`: a person's own CSV files from ingestion to quarantine, counts and exit codes.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { makeFolder, tarn } from './tarn.js';

const orders = `order_id,customer_id,amount,status
1,10,5.00,paid
2,11,6.50,PAID
3,99,7.00,paid
1,10,5.00,paid
5,,abc,paid
`;
const customers = 'customer_id,name\n10,Ann\n11,Bo\n';

const bronzeSuites = `suites:
  - name: bronze_orders
    table: bronze.orders
    quarantine: true
    key: order_id
    expectations:
      - not_null: [order_id, customer_id]
      - unique: order_id
      - in_set: {column: status, values: [paid, open], severity: warn}
      - foreign_key: {column: customer_id, to: bronze.customers.customer_id}
`;

function run(cwd, ...args) {
  const done = tarn(['quality', ...args, '--quiet'], { cwd });
  return { ...done, json: done.stdout.startsWith('{') ? JSON.parse(done.stdout) : null };
}

function sql(cwd, query) {
  const done = tarn(['sql', query, '--json'], { cwd });
  assert.equal(done.status, 0, done.stderr);
  return JSON.parse(done.stdout);
}

function shop(t, files) {
  const cwd = makeFolder(t, { 'tarn.yml': 'name: shop\n', 'in/orders.csv': orders, 'in/customers.csv': customers, ...files });
  const done = tarn(['ingest', 'in/orders.csv', 'in/customers.csv', '--quiet'], { cwd });
  assert.equal(done.status, 0, done.stderr);
  return cwd;
}

test('failing rows of a bronze table go to quarantine and the run is fine', (t) => {
  const cwd = shop(t, { 'quality/bronze.yml': bronzeSuites });
  const done = run(cwd, '--json');
  assert.equal(done.status, 0, done.stderr);
  assert.equal(done.json.success, true);
  const [suite] = done.json.validation_results;
  assert.equal(suite.success, false);
  assert.deepEqual(suite.statistics, {
    evaluated_expectations: 5, successful_expectations: 1, unsuccessful_expectations: 4, success_percent: 20,
  });
  assert.deepEqual(done.json.reconciliations.map(({ name, success, in: read, out }) => [name, success, read, out]), [
    ['customers_from_landing_to_bronze', true, 2, 2], ['orders_from_landing_to_bronze', true, 5, 5],
  ]);
  const inSet = suite.results.find((r) => r.expectation_config.type === 'expect_column_values_to_be_in_set');
  assert.deepEqual(inSet.expectation_config.kwargs, { column: 'status', value_set: ['paid', 'open'] });
  assert.equal(inSet.result.unexpected_count, 1);
  assert.deepEqual(inSet.result.partial_unexpected_list, ['PAID']);
  assert.deepEqual(inSet.result.partial_unexpected_index_list.map((at) => String(at.order_id)), ['2']);
  const records = sql(cwd, 'select _line, kind, severity, column_name from quarantine.orders order by all');
  assert.deepEqual((records.rows ?? records).map((r) => Object.values(r).map(String).join(' ')), [
    '3 set warn status', '4 orphan error customer_id', '5 duplicate error order_id', '6 null error customer_id',
  ]);
});

test('counts that do not add up fail the run and are shown', (t) => {
  const cwd = shop(t, {
    'quality/bronze.yml': bronzeSuites,
    'quality/counts.yml': `reconcile:
  - {name: orders, layer: silver, in: bronze.orders, out: select 2, quarantined: quarantine.orders}
  - {name: wrong, layer: gold, in: bronze.orders, out: 3, held: [1, 0]}
`,
  });
  assert.equal(run(cwd, '--layer', 'bronze').status, 0);
  const fine = run(cwd, '--layer', 'silver', '--json');
  assert.equal(fine.status, 0, fine.stderr);
  assert.equal(fine.json.reconciliations[0].quarantined, 3);
  const wrong = run(cwd, '--suite', 'wrong');
  assert.equal(wrong.status, 1);
  assert.match(wrong.stdout, /FAIL\s+wrong\s+5 in = 3 out \+ 1 held; 1 rows are missing/);
});

test('an expectation of severity error decides the exit code, a warning does not', (t) => {
  const suite = (severity) => `suites:
  - name: s
    table: bronze.orders
    expectations: [{in_set: {column: status, values: [paid], severity: ${severity}}}]
`;
  const cwd = shop(t, { 'quality/s.yml': suite('warn') });
  assert.equal(run(cwd).status, 0);
  writeFileSync(path.join(cwd, 'quality/s.yml'), suite('error'));
  const failed = run(cwd);
  assert.equal(failed.status, 1);
  assert.match(failed.stdout, /FAIL\s+in_set\(status\)\s+1 of 5 \(20 %\): "PAID"/);
});

test("Great Expectations' suites of both generations are read", (t) => {
  const cwd = shop(t, {
    'quality/old.json': JSON.stringify({
      expectation_suite_name: 'bronze.orders.old', ge_cloud_id: null, data_asset_type: null,
      evaluation_parameters: { least: 4 },
      expectations: [
        { expectation_type: 'expect_table_row_count_to_be_between',
          kwargs: { min_value: { $PARAMETER: 'least' }, max_value: null }, meta: {} },
        { expectation_type: 'expect_column_values_to_not_be_null', kwargs: { column: 'customer_id', mostly: 0.8 }, meta: {} },
        { expectation_type: 'expect_column_values_to_be_unique',
          kwargs: { column: 'order_id', row_condition: 'status=="paid" and order_id > 2', condition_parser: 'pandas' }, meta: {} },
      ],
      meta: { great_expectations_version: '0.18.22' },
    }, null, '\t'),
    'quality/new.json': JSON.stringify({
      name: 'new', id: null, suite_parameters: {}, notes: null, meta: { table: 'bronze.orders' },
      expectations: [{ type: 'expect_column_values_to_match_regex', kwargs: { column: 'status', regex: '^[a-z\u00e9]+$' },
        meta: { severity: 'warn' }, id: '2f', notes: null },
      { type: 'expect_column_values_to_not_be_in_set', kwargs: { column: 'status', value_set: ['EMOJI', 'a/b\\\\'] } }],
    }).replace('EMOJI', '\\ud83d\\ude00'),
  });
  const done = run(cwd, '--json', '--result-format', 'COMPLETE');
  assert.equal(done.status, 0, done.stderr);
  const byName = Object.fromEntries(done.json.validation_results.map((suite) => [suite.suite_name, suite]));
  assert.deepEqual(byName['bronze.orders.old'].results.map((r) => r.success), [true, true, true]);
  assert.equal(byName['bronze.orders.old'].results[0].result.observed_value, 5);
  assert.deepEqual(byName.new.results[0].result.unexpected_list, ['PAID']);
  assert.deepEqual(byName.new.results[1].expectation_config.kwargs.value_set, ['\u{1F600}', 'a/b\\\\']);
});

test('what is suggested for a table holds for it', (t) => {
  const cwd = shop(t, { 'quality/empty.yml': '' });
  const profile = run(cwd, 'profile', 'bronze.orders', '--json');
  assert.equal(profile.status, 0, profile.stderr);
  assert.equal(profile.json.rows, 5);
  assert.equal(profile.json.columns.find(({ name }) => name === 'customer_id').missing, 1);
  const suggested = run(cwd, 'suggest', 'bronze.orders');
  assert.equal(suggested.status, 0, suggested.stderr);
  assert.match(suggested.stdout, /- not_null: \["order_id", "amount", "status"\]/);
  writeFileSync(path.join(cwd, 'quality/orders.yml'), suggested.stdout);
  const done = run(cwd, '--json');
  assert.equal(done.status, 0, done.stdout + done.stderr);
  assert.equal(done.json.validation_results[0].statistics.unsuccessful_expectations, 0);
  const unknown = run(cwd, 'suggest', 'bronze.order');
  assert.equal(unknown.status, 2);
  assert.match(unknown.stderr, /bronze\.orders/);
});

test('mistakes name the file, the line and the nearest valid name', (t) => {
  const cwd = shop(t, {});
  const mistake = (text, expected) => {
    writeFileSync(path.join(cwd, 'quality', 'q.yml'), text);
    const done = run(cwd);
    assert.equal(done.status, 2, done.stdout + done.stderr);
    assert.match(done.stderr, expected);
  };
  const none = run(cwd);
  assert.equal(none.status, 2);
  assert.match(none.stderr, /no suites; write them to quality\/\*\.yml/);
  mkdirSync(path.join(cwd, 'quality'));
  const suite = (rest) => `suites:\n- name: s\n  table: bronze.orders\n${rest}`;
  mistake(suite('  expectation: []\n'), /q\.yml:4.*'expectation'.*'expectations'/s);
  mistake(suite('  expectations:\n  - not_nul: order_id\n'), /q\.yml:5: .*'not_nul'; did you mean 'not_null'/);
  mistake(suite('  expectations:\n  - not_null: order_di\n'), /q\.yml:5: bronze\.orders has no column 'order_di'; did you mean 'order_id'/);
  mistake('suites:\n- name: s\n  table: bronze.order\n  expectations: []\n', /q\.yml:3: .*bronze\.order; did you mean 'bronze\.orders'/);
  mistake('suites: [', /q\.yml:/);
  const option = run(cwd, '--layer', 'silve');
  assert.equal(option.status, 2);
  assert.match(option.stderr, /--layer is bronze, silver or gold, not 'silve'/);
});

test('a run on the same suites and tables as one that passed is not made again', (t) => {
  const cwd = shop(t, { 'quality/bronze.yml': bronzeSuites });
  const again = (...args) => /^Unchanged since run \S+ of \S+: /m.test(run(cwd, ...args).stdout);
  assert.equal(again(), false);
  assert.equal(again(), true);
  assert.match(run(cwd).stdout, /5 checks on 1 tables, 4 records held back/);
  assert.equal(again('--full'), false);
  assert.equal(again('--layer', 'bronze'), true); /* chooses the same suites */
  assert.equal(again('--table', 'bronze.orders'), false); /* without the counts of the landing folder */
  assert.equal(run(cwd, '--json').json.success, true);

  writeFileSync(path.join(cwd, 'in/more.csv'), 'order_id,customer_id,amount,status\n6,10,1.00,PAID\n');
  assert.equal(tarn(['ingest', 'in/more.csv', '--table', 'orders', '--quiet'], { cwd }).status, 0);
  assert.equal(again(), false);
  assert.equal(sql(cwd, "select count(*) as n from quarantine.orders where kind = 'set'")[0].n, 2);
  assert.equal(again(), true);

  writeFileSync(path.join(cwd, 'quality/bronze.yml'), bronzeSuites.replace('paid, open', 'paid, PAID'));
  assert.equal(again(), false);
  writeFileSync(path.join(cwd, 'quality/bronze.yml'), bronzeSuites);
  assert.equal(again(), false, 'another run has replaced the quarantine meanwhile');
  assert.equal(again(), true);
});

test('a run that failed, and one that looks at the clock, is made again', (t) => {
  const suite = (rule) => `suites:\n  - {name: s, table: bronze.orders, expectations: [${rule}]}\n`;
  const cwd = shop(t, { 'quality/s.yml': suite('{not_null: customer_id}') });
  assert.equal(run(cwd).status, 1);
  assert.equal(run(cwd).status, 1);
  for (const rule of ['{fresh: {column: _loaded_at, max_age: 10 days}}', '{not_null: order_id, where: "_loaded_at < now()"}']) {
    writeFileSync(path.join(cwd, 'quality/s.yml'), suite(rule));
    for (let i = 0; i < 2; i++) assert.doesNotMatch(run(cwd).stdout, /Unchanged/);
  }
});
