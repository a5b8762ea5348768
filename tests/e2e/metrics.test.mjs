// What is declared, shown, drawn, alerted on and written down is the same: the golden texts of the code, the real /metrics of a running
// stack, the dashboards, the rules and the runbooks.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { daemons, declared, render } from '../../docs/metrics.mjs';
import { source } from '../env/media.mjs';
import { adminPorts, Prometheus } from '../env/prometheus.mjs';
import { namesOf, parseExposition } from '../env/promql.mjs';
import { root, run, until } from '../env/stack.mjs';
import { stack } from './stack.mjs';

const rules = ['recording.rules.yml', 'alerts.rules.yml'].map((name) => path.join(root, 'deploy/prometheus', name));
const runbooks = path.join(root, 'docs/runbooks');
let families, byName, exposed, dashboards, prometheus;

// Families that show only after a fault, an attack, or with a setting that the local stack does not have.
const onlyOnOccasion = [
  'vora_auth_refused_total',
  'vora_spans_dropped_total',
  'vora_tls_certificate_expiry_seconds',
  'vora_transcode_child_failures_total',
  'vora_webhook_deliveries_total',
];

async function scrape(job) {
  const response = await fetch(`http://127.0.0.1:${stack.portBase + adminPorts[job]}/metrics`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
  return parseExposition(await response.text());
}

// Of one line per panel: { board, title, expr }.
function panelQueries() {
  return dashboards.flatMap((board) => board.panels.flatMap((panel) => (panel.targets ?? []).map((target) => ({ board: board.title, title: panel.title, expr: target.expr }))));
}

const family = (name) => byName.get(name) ?? byName.get(name.replace(/_(bucket|sum|count)$/, ''));

before(async () => {
  families = await declared();
  byName = new Map(families.map((each) => [each.name, each]));
  await stack.up();
  // Something of everything: an upload, a wrong offset, a video, players and events.
  const { video_id: id } = await stack.upload(await source({ seconds: 8, width: 640, height: 360 }));
  await stack.reach(id);
  for (let i = 0; i < 2; ++i) {
    const segment = await fetch(`http://127.0.0.1:${stack.portBase + 3}/v/${id}/360p/seg_0.m4s`);
    assert.equal(segment.status, 200);
    await segment.arrayBuffer();
  }
  await (await stack.fetch('/e', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })).text();
  exposed = new Map();
  for (const job of Object.keys(adminPorts)) {
    // Twice: the counter of /metrics itself shows in the second one.
    await scrape(job);
    exposed.set(job, await scrape(job));
  }
  const boards = path.join(root, 'deploy/grafana/dashboards');
  dashboards = [];
  for (const name of (await readdir(boards)).sort()) dashboards.push(JSON.parse(await readFile(path.join(boards, name), 'utf8')));
  prometheus = await Prometheus.start(stack, rules);
});
after(() => prometheus?.stop());

test('every daemon shows what is declared, and nothing else', () => {
  for (const [job, shown] of exposed) {
    for (const each of shown) {
      const known = byName.get(each.name);
      assert.ok(known, `${job} shows ${each.name}, which no metrics.h declares`);
      assert.ok(daemons[job].includes(known.folder), `${job} shows ${each.name} of ${known.folder}`);
      assert.equal(each.type, known.type, each.name);
      assert.equal(each.help, known.help, each.name);
      for (const sample of each.samples) {
        const labels = Object.keys(sample.labels).filter((label) => label !== 'le').sort();
        assert.deepEqual(labels, [...known.labels].sort(), `${job}: ${sample.name}`);
      }
    }
  }
});

test('names and units follow the conventions of Prometheus', () => {
  for (const { name, type, help, labels } of families) {
    assert.match(name, /^(vora|process)_[a-z0-9_]+$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    if (type === 'histogram') assert.match(name, /_(seconds|bytes)$/);
    assert.doesNotMatch(name, /_(ms|milliseconds|minutes|hours|kb|mb|percent|count|sum|bucket)$/);
    assert.match(help, /\.$/, name);
    for (const label of labels) assert.doesNotMatch(label, /^(.*_id|id|key|path|client|viewer|job|instance|le|quantile)$/, name);
  }
  assert.equal(byName.size, families.length, 'each name is declared once');
});

test('no label value is an id, a path or an address', () => {
  for (const [job, shown] of exposed) {
    for (const sample of shown.flatMap((each) => each.samples)) {
      for (const [label, value] of Object.entries(sample.labels)) {
        if (label === 'le' || label === 'version') continue;
        const what = `${job}: ${sample.name}{${label}="${value}"}`;
        assert.ok(value.length <= 80, what);
        assert.doesNotMatch(value, /[0-9a-f]{12,}|[0-9a-f]{8}-[0-9a-f]{4}|\d{6,}|\d+\.\d+\.\d+|@|:\/\//, what);
        if (label !== 'route') continue;
        assert.match(value, /^(\/[\w.{}*-]*)+$|^[a-z_ ]*$/, what);
      }
    }
  }
});

test('dashboards are whole: units, descriptions, a data source, panels that do not overlap', () => {
  assert.equal(dashboards.length, 5);
  assert.equal(new Set(dashboards.map((board) => board.uid)).size, 5);
  for (const board of dashboards) {
    assert.ok(board.title && board.description && board.schemaVersion >= 36, board.title);
    const ids = new Set();
    const taken = new Set();
    for (const panel of board.panels) {
      const what = `${board.title}: ${panel.title}`;
      assert.ok(!ids.has(panel.id), what);
      ids.add(panel.id);
      const { x, y, w, h } = panel.gridPos;
      assert.ok(x >= 0 && w > 0 && h > 0 && x + w <= 24, what);
      for (let row = y; row < y + h; ++row) {
        for (let column = x; column < x + w; ++column) {
          assert.ok(!taken.has(`${row} ${column}`), `${what} overlaps another panel`);
          taken.add(`${row} ${column}`);
        }
      }
      if (panel.type === 'row') continue;
      assert.ok(['timeseries', 'stat'].includes(panel.type), what);
      assert.ok(panel.title && panel.description, what);
      assert.ok(panel.fieldConfig.defaults.unit, `${what} has no unit`);
      assert.equal(panel.datasource.uid, 'prometheus', what);
      assert.ok(panel.targets.length > 0 && panel.targets.every((target) => target.expr && target.legendFormat), what);
    }
  }
});

test('dashboards and rules ask for metrics and labels that exist', async () => {
  const { data } = await prometheus.api('rules');
  const all = data.groups.flatMap((group) => group.rules);
  const recorded = new Map(all.filter((rule) => rule.type === 'recording').map((rule) => [rule.name, ['slo', 'job', 'method', 'queue', 'rendition']]));
  const shown = new Set([...exposed.values()].flat().flatMap((each) => each.samples.map((sample) => sample.name)));
  const queries = [
    ...panelQueries().map(({ board, title, expr }) => [`${board}: ${title}`, expr]),
    ...all.map((rule) => [`rule ${rule.name}`, rule.query]),
  ];
  const absent = [];
  for (const [where, expr] of queries) {
    const { metrics, grouped } = namesOf(expr);
    const known = new Set(['job', 'instance', 'le', 'slo', 'alertname']);
    assert.ok(metrics.size > 0 || /^vector\(/.test(expr), `${where}: ${expr}`);
    for (const [name, labels] of metrics) {
      const has = name === 'up' ? [] : name === 'ALERTS' ? ['alertstate', 'alertname'] : (recorded.get(name) ?? family(name)?.labels);
      assert.ok(has, `${where}: there is no metric ${name}`);
      for (const label of labels) assert.ok(has.includes(label) || ['job', 'instance', 'le'].includes(label), `${where}: ${name} has no label ${label}`);
      for (const label of has) known.add(label);
      if (family(name) && !shown.has(name) && !onlyOnOccasion.includes(family(name).name)) absent.push(`${where}: ${name}`);
    }
    for (const label of grouped) assert.ok(known.has(label), `${where}: grouped by ${label}, which nothing there has`);
  }
  assert.deepEqual(absent, [], 'no daemon of the running stack shows these');
});

test('a real Prometheus scrapes every daemon and evaluates every rule', async () => {
  await until('all targets to be up', async () => (await prometheus.query('count(up == 1)'))[0]?.value[1] === String(Object.keys(adminPorts).length), { timeout: 60_000 });
  const groups = await until('every rule to be evaluated', async () => {
    const { data } = await prometheus.api('rules');
    return data.groups.every((group) => group.rules.every((rule) => rule.health !== 'unknown')) ? data.groups : null;
  }, { timeout: 180_000, every: 1000 });
  for (const rule of groups.flatMap((group) => group.rules)) assert.equal(rule.health, 'ok', `${rule.name}: ${rule.lastError}`);
  const firing = await prometheus.query('ALERTS{alertstate="firing",severity="critical"}');
  assert.deepEqual(firing.map((alert) => alert.metric.alertname), [], 'a stack that is well raises no alarm');
  for (const job of Object.keys(adminPorts)) assert.equal((await prometheus.query(`vora_build_info{job="${job}"}`)).length, 1, job);
});

test('a daemon that is away is noticed, and that it is back', async () => {
  const alert = 'ALERTS{alertname="VoraTargetDown"}';
  await stack.stop('analytics-ingest');
  try {
    const [pending] = await until('the alert', async () => {
      const found = await prometheus.query(alert);
      return found.length > 0 ? found : null;
    }, { timeout: 60_000 });
    assert.equal(pending.metric.job, 'vora-analytics-ingest');
    assert.equal(pending.metric.severity, 'critical');
  } finally {
    await stack.start('analytics-ingest');
  }
  await until('the alert to be over', async () => (await prometheus.query(alert)).length === 0, { timeout: 60_000 });
});

test('every panel is understood, and most have something to show', async () => {
  const queries = panelQueries();
  // A rate needs two scrapes.
  await until('most panels to have data', async () => {
    const empty = [];
    for (const { board, title, expr } of queries) {
      const result = await prometheus.query(expr.replaceAll('$__rate_interval', '1m'));
      if (result.length === 0) empty.push(`${board}: ${title}: ${expr}`);
    }
    assert.ok(empty.length < queries.length / 5, `without data:\n${empty.join('\n')}`);
    return true;
  }, { timeout: 90_000, every: 1000 });
});

test('promtool finds the configuration and the rules right, and each alert fires and is silent as it should', async () => {
  const checks = [['check', 'config', 'prometheus.yml'], ['check', 'rules', ...rules], ['test', 'rules', 'tests/alerts.test.yml', 'tests/slow-burn.test.yml']];
  for (const args of checks) {
    const result = await run('promtool', args, { cwd: path.join(root, 'deploy/prometheus') });
    assert.equal(result.code, 0, `promtool ${args.join(' ')}\n${result.stdout}\n${result.stderr}`);
  }
});

test('every alert has a severity, a text, a test and a page that says what to do', async () => {
  const { data } = await prometheus.api('rules');
  const alerts = data.groups.flatMap((group) => group.rules).filter((rule) => rule.type === 'alerting');
  assert.ok(alerts.length > 30);
  const tests = (await Promise.all(['alerts', 'slow-burn'].map((name) => readFile(path.join(root, `deploy/prometheus/tests/${name}.test.yml`), 'utf8')))).join('\n');
  const index = await readFile(path.join(runbooks, 'README.md'), 'utf8');
  for (const { name, labels, annotations } of alerts) {
    assert.match(labels.severity, /^(critical|warning|info)$/, name);
    assert.ok(annotations.summary && annotations.description, name);
    const [, file, anchor] = /^docs\/runbooks\/([\w-]+\.md)#(\w+)$/.exec(annotations.runbook_url) ?? [];
    assert.equal(anchor, name.toLowerCase());
    const page = await readFile(path.join(runbooks, file), 'utf8');
    const section = page.split(/^## /m).find((part) => part.startsWith(`${name}\n`));
    assert.ok(section, `${file} has no section ${name}`);
    for (const part of ['Means', 'Look', 'Causes', 'Do', 'Over']) assert.match(section, new RegExp(`^\\*\\*${part}\\.\\*\\*`, 'm'), `${file}: ${name} lacks ${part}`);
    assert.ok(index.includes(`(${file}#${anchor})`), `the index of the runbooks lacks ${name}`);
    assert.match(tests, new RegExp(`alertname="${name}",alertstate="firing",`), `no test in which ${name} fires`);
  }
});

test('runbooks name metrics that exist', async () => {
  for (const name of await readdir(runbooks)) {
    const text = await readFile(path.join(runbooks, name), 'utf8');
    for (const [metric] of text.matchAll(/(?<![\w:])(vora|process)_[a-z0-9_]+(?![\w:])/g)) {
      if (metric.startsWith('vora_metadata') || metric.startsWith('vora_orchestrator')) continue;   // databases
      assert.ok(family(metric), `docs/runbooks/${name} names ${metric}`);
    }
  }
});

test('docs/metrics.md is what the code declares', async () => {
  assert.equal(await readFile(path.join(root, 'docs/metrics.md'), 'utf8'), await render(), 'run: node docs/metrics.mjs');
});
