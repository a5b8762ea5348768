// The Kubernetes manifests, rendered by kubectl as an operator would, against the rules of policy.mjs. Needs no cluster.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import YAML from 'yaml';

import * as policy from './policy.mjs';
import { compareArrows } from './policy-arrows.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const folder = path.join(root, 'deploy/kubernetes');
const build = process.env.VORA_BUILD ?? path.join(root, 'build/release');

function render(kustomization, within = folder) {
  const text = execFileSync('kubectl', ['kustomize', path.join(within, kustomization)], { encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'pipe'] });
  return YAML.parseAllDocuments(text).map((document) => document.toJS()).filter(Boolean);
}

// The same with the bridge to a broker, as an operator adds it.
function renderWithBridge(overlay) {
  const copy = mkdtempSync(path.join(tmpdir(), 'vora-overlay-'));
  try {
    cpSync(path.join(root, 'deploy'), copy, { recursive: true });
    const file = path.join(copy, 'kubernetes', overlay, 'kustomization.yaml');
    const written = YAML.parse(readFileSync(file, 'utf8'));
    const target = written.patchesJson6902?.[0].target;
    writeFileSync(file, YAML.stringify({
      ...written, bases: [...written.bases, '../../amqp'],
      ...(target && { patchesJson6902: [...written.patchesJson6902, { path: 'tls.yaml', target: { ...target, name: 'vora-amqp' } }] }) }));
    return render(overlay, path.join(copy, 'kubernetes'));
  } finally {
    rmSync(copy, { recursive: true });
  }
}

const daemons = ['vora-orchestrator', 'vora-metadata', 'vora-upload', 'vora-transcode-worker', 'vora-streaming-gateway', 'vora-analytics-ingest'];
const admin = { 'vora-upload': 9181, 'vora-metadata': 9182, 'vora-streaming-gateway': 9183, 'vora-analytics-ingest': 9184, 'vora-orchestrator': 9185, 'vora-transcode-worker': 9186 };
const dns = (pod) => ['53/udp', 53].map((port) => [pod, 'ns kube-system: kube-dns', port]);
const private4 = '10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16';

// ARCHITECTURE section 2, `talks to`, row by row.
const fleet = [
  ['ns vora.dev/ingress', 'vora-edge', 8080],            // viewers
  ['ns vora.dev/ingress', 'vora-upload', 8081],          // uploaders
  ['vora-edge', 'vora-streaming-gateway', 8083],
  ['vora-edge', 'vora-metadata', 8082],
  ['vora-edge', 'vora-analytics-ingest', 8084],
  ['vora-upload', 'vora-metadata', 9082],                // announces finished uploads to its subscriber
  ['vora-metadata', 'vora-orchestrator', 9085],
  ['vora-metadata', 'vora-upload', 9081],
  ['vora-metadata', 'vora-analytics-ingest', 9084],      // erases a viewer; and health, for the fleet page, of all
  ['vora-metadata', 'vora-transcode-worker', 9086],
  ['vora-metadata', 'vora-streaming-gateway', 9083],
  ['vora-metadata', `0.0.0.0/0 less ${private4}`, 443],  // webhooks
  ['vora-metadata', '::/0 less fc00::/7 fe80::/10', 443],
  ['vora-transcode-worker', 'vora-orchestrator', 9085],
  ['vora-streaming-gateway', 'vora-metadata', 9082],
  ['vora-streaming-gateway', 'vora-analytics-ingest', 9084],   // delivery records
  ['ns keda: keda-operator', 'vora-orchestrator', 9085],
  ...Object.entries(admin).map(([pod, port]) => ['ns monitoring', pod, port]),
  ...daemons.map((pod) => [pod, 'ns monitoring', 4318]),  // traces
  ...[...daemons, 'vora-edge'].flatMap(dns),
];

const stores = {
  postgres: ['vora-orchestrator', 'vora-metadata'],
  'object-store': ['vora-upload', 'vora-transcode-worker', 'vora-streaming-gateway'],
  clickhouse: ['vora-metadata', 'vora-analytics-ingest'],
};
const inside = { postgres: 5432, 'object-store': 8333, clickhouse: 8123 };
const noLinkLocal = '0.0.0.0/0 less 169.254.0.0/16';
const outside = { postgres: ['10.0.0.0/8', 5432], 'object-store': [noLinkLocal, 443], clickhouse: [noLinkLocal, 8443] };
const everything = Object.entries(stores).flatMap(([store, users]) => [...users.map((user) => [user, store, inside[store]]), ...dns(store)]);

const overlays = {
  'overlays/dev': { arrows: [...fleet, ...everything] },
  'overlays/offline': { arrows: [...fleet, ...everything] },
  'overlays/prod': {
    arrows: [
      ...fleet,
      ...Object.entries(stores).flatMap(([store, users]) => users.map((user) => [user, ...outside[store]])),
      ...daemons.filter((pod) => pod !== 'vora-transcode-worker').map((pod) => [pod, '0.0.0.0/0 less 10.0.0.0/8 100.64.0.0/10 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16', 443]),   // keys of tokens
    ],
  },
};

const bridge = [
  ['vora-amqp', 'vora-metadata', 9082],
  ...[5671, 5672].map((port) => ['vora-amqp', '10.0.0.0/8', port]),   // the broker
  ['ns monitoring', 'vora-amqp', 9188],
  ['vora-amqp', 'ns monitoring', 4318],
  ...dns('vora-amqp'),
];
for (const overlay of ['overlays/dev', 'overlays/prod']) {
  overlays[`${overlay} with the bridge`] = { arrows: [...overlays[overlay].arrows, ...bridge], render: () => renderWithBridge(overlay), more: ['vora-amqp'] };
}

const known = (() => {
  const programs = new Map();
  return (program) => {
    if (!programs.has(program)) {
      const file = path.join(build, 'bin', program);
      const help = existsSync(file) ? spawnSync(file, ['--help'], { encoding: 'utf8' }).stdout : undefined;
      programs.set(program, help && new Set([...help.matchAll(/^ {2}(VORA_\w+)/gm)].map((match) => match[1])));
    }
    return programs.get(program);
  };
})();

const rules = {
  'pods keep to the restricted standard, with a read-only root': policy.podSecurity,
  'every container is probed, daemons by gRPC': policy.probes,
  'every container has requests and limits, every scratch volume a size': policy.resources,
  'whatever has replicas has a disruption budget and is spread': policy.availability,
  'whatever selects, selects something': policy.selectors,
  'pods are given the time that they need to leave': policy.grace,
  'secrets are referred to, never told': policy.secrets,
  'each daemon is given the roots that it uses and no others': policy.roots,
  'each workload runs as an account of its own': policy.accounts,
  'ConfigMaps that are asked for are there': policy.references,
  'images are pinned': policy.images,
  'daemons know their settings': (documents) => policy.settings(documents, known),
};

const rendered = {};
before(() => {
  assert.equal(spawnSync('kubectl', ['version', '--client']).status, 0, 'kubectl is missing: apt-get install kubernetes-client');
  for (const [overlay, { render: own }] of Object.entries(overlays)) rendered[overlay] = own ? own() : render(overlay);
});

for (const [overlay, { arrows, more = [] }] of Object.entries(overlays)) {
  describe(overlay, () => {
    for (const [rule, check] of Object.entries(rules)) test(rule, () => assert.deepEqual(check(rendered[overlay]), []));
    test('every arrow of the architecture is open, and no other', () => assert.deepEqual(compareArrows(rendered[overlay], arrows), []));
    test('every object has a namespace of its own', () => {
      for (const object of rendered[overlay]) assert.equal(object.metadata.namespace ?? object.metadata.name, 'vora', `${object.kind}/${object.metadata.name}`);
      const ids = rendered[overlay].map((object) => `${object.apiVersion} ${object.kind} ${object.metadata.name}`);
      assert.equal(new Set(ids).size, ids.length);
    });
    test('all daemons and the edge are there', () => {
      const names = policy.workloads(rendered[overlay]).map((w) => w.metadata.name);
      for (const name of [...daemons, 'vora-edge', ...more]) assert.ok(names.includes(name), name);
    });
  });
}

describe('settings', () => {
  test('the programs were there to ask', (t) => {
    const missing = [...daemons, 'vora-amqp'].filter((program) => !known(program));
    if (missing.length) t.skip(`not built: ${missing.join(', ')}`);
  });
  test('in production callers show tokens and daemons certificates', () => {
    const map = rendered['overlays/prod'].find((d) => d.kind === 'ConfigMap' && d.metadata.name.startsWith('vora-settings'));
    assert.equal(map.data.auth, 'jwt');
    for (const workload of policy.workloads(rendered['overlays/prod with the bridge']).filter((w) => policy.podOf(w).containers.some(policy.isDaemon))) {
      const env = Object.fromEntries(policy.podOf(workload).containers[0].env.map((e) => [e.name, e]));
      // The worker and the bridge serve nobody but probes.
      if (!['vora-transcode-worker', 'vora-amqp'].includes(workload.metadata.name)) assert.equal(env.VORA_AUTH.valueFrom.configMapKeyRef.key, 'auth', workload.metadata.name);
      assert.equal(env.VORA_TLS_CLIENT_AUTH?.value, 'require', workload.metadata.name);
      for (const name of ['VORA_TLS_CERT', 'VORA_TLS_KEY', 'VORA_TLS_CA']) assert.match(env[name].value, /^\/etc\/vora\/tls\//, workload.metadata.name);
    }
  });
});

describe('parts that an overlay may take instead', () => {
  for (const part of ['scaling/metrics', 'gateway-api', 'scaling/hpa', 'scaling/keda', 'monitoring', 'ingress', 'keys/pod-identity', 'keys/instance']) {
    test(part, () => assert.ok(render(part).length > 0));
  }
  test('temporary keys are reached by who uses the object store, and by nobody else', () => {
    const parts = { 'keys/pod-identity': ['169.254.170.23/32', 'fd00:ec2::23/128'], 'keys/instance': ['169.254.169.254/32'] };
    for (const [part, addresses] of Object.entries(parts)) {
      const wanted = stores['object-store'].flatMap((pod) => addresses.map((address) => [pod, address, 80]));
      assert.deepEqual(compareArrows([...rendered['overlays/prod'], ...render(part)], [...overlays['overlays/prod'].arrows, ...wanted]), [], part);
    }
  });
  test('the two roots may lie in places of their own, without a place of both', () => {
    const documents = twoRoots(structuredClone(rendered['overlays/prod']));
    for (const rule of [policy.roots, policy.references]) assert.deepEqual(rule(documents), []);
  });
  test('workers are scaled alike by KEDA and by plain metrics', () => {
    const keda = render('scaling/keda').find((d) => d.kind === 'ScaledObject').spec;
    const plain = render('scaling/metrics').find((d) => d.kind === 'HorizontalPodAutoscaler').spec;
    assert.deepEqual(plain.behavior, keda.advanced.horizontalPodAutoscalerConfig.behavior);
    assert.equal(plain.metrics[0].external.target.averageValue, keda.triggers[0].metadata.targetEncodeSeconds);
    assert.equal(plain.metrics[0].external.metric.selector.matchLabels.queue, keda.triggers[0].metadata.queue);
    assert.equal(plain.minReplicas, keda.minReplicaCount);
    assert.equal(plain.maxReplicas, keda.maxReplicaCount);
    assert.deepEqual(plain.scaleTargetRef, keda.scaleTargetRef);
  });
  test('rules for the Prometheus operator are those of deploy/prometheus', () => {
    const rules = YAML.parseAllDocuments(execFileSync(path.join(folder, 'monitoring/rules.sh'), { encoding: 'utf8', maxBuffer: 64 << 20 })).map((d) => d.toJS()).filter(Boolean);
    assert.deepEqual(rules.map((d) => d.metadata.name), ['vora-alerts', 'vora-recording']);
    for (const { kind, metadata, spec } of rules) {
      assert.equal(kind, 'PrometheusRule');
      assert.deepEqual(spec, YAML.parse(readFileSync(path.join(root, `deploy/prometheus/${metadata.name.replace('vora-', '')}.rules.yml`), 'utf8')));
    }
  });
  test('routes lead to services that there are', () => {
    const services = rendered['overlays/prod'].filter((d) => d.kind === 'Service');
    for (const route of render('gateway-api').filter((d) => d.kind === 'HTTPRoute')) {
      for (const { name, port } of route.spec.rules.flatMap((rule) => rule.backendRefs)) {
        assert.ok(services.some((s) => s.metadata.name === name && s.spec.ports.some((p) => p.port === port)), `${name}:${port}`);
      }
    }
    for (const { backend } of render('ingress')[0].spec.rules.flatMap((rule) => rule.http.paths)) {
      assert.ok(services.some((s) => s.metadata.name === backend.service.name && s.spec.ports.some((p) => p.name === backend.service.port.name)), backend.service.name);
    }
  });
});

describe('the edge', () => {
  test('the configuration is the one of deploy/varnish, and each of its placeholders is filled in', () => {
    const template = readFileSync(path.join(root, 'deploy/varnish/default.vcl.in'), 'utf8');
    const start = readFileSync(path.join(root, 'deploy/compose/varnish/start.sh'), 'utf8');
    for (const overlay of Object.keys(overlays)) {
      const maps = rendered[overlay].filter((d) => d.kind === 'ConfigMap');
      assert.ok(maps.some((d) => d.data['default.vcl.in'] === template), overlay);
      assert.ok(maps.some((d) => d.data['start.sh'] === start), overlay);
      const edge = rendered[overlay].find((d) => d.kind === 'Deployment' && d.metadata.name === 'vora-edge');
      const given = new Set(policy.podOf(edge).containers[0].env.map((e) => e.name));
      for (const [, name] of start.matchAll(/^fill \w+ "\$(\w+)"/gm)) assert.ok(given.has(name), `${name} is not set`);
    }
    const filled = new Set([...start.matchAll(/^fill (\w+)/gm)].map((match) => match[1]));
    for (const [, name] of template.matchAll(/@([A-Z_]+)@/g)) assert.ok(filled.has(name), `@${name}@ stays`);
  });
});

// Each rule, broken once: what is changed, in which object, and what must be said about it.
const pick = (documents, kind, name) => documents.find((d) => d.kind === kind && d.metadata.name === name);
const settingsOf = (documents) => documents.find((d) => d.kind === 'ConfigMap' && d.metadata.name.startsWith('vora-settings')).data;
const twoRoots = (documents) => {
  const data = settingsOf(documents);
  Object.assign(data, { 'storage-raw': 's3://raw', 'storage-processed': 's3://processed' });
  delete data.storage;
  return documents;
};
const gateway = (documents) => policy.podOf(pick(documents, 'Deployment', 'vora-streaming-gateway')).containers[0].env;
const upload = (documents) => policy.podOf(pick(documents, 'Deployment', 'vora-upload'));
const breaks = [
  ['runAsNonRoot is dropped', policy.podSecurity, (d) => delete upload(d).securityContext.runAsNonRoot, /vora-upload: container upload: runAsNonRoot/],
  ['a container runs as root', policy.podSecurity, (d) => (upload(d).containers[0].securityContext.runAsUser = 0), /runAsUser/],
  ['the root can be written to', policy.podSecurity, (d) => (upload(d).containers[0].securityContext.readOnlyRootFilesystem = false), /readOnlyRootFilesystem/],
  ['privileges may be gained', policy.podSecurity, (d) => delete upload(d).containers[0].securityContext.allowPrivilegeEscalation, /allowPrivilegeEscalation/],
  ['capabilities are kept', policy.podSecurity, (d) => (upload(d).containers[0].securityContext.capabilities.drop = ['NET_RAW']), /does not drop ALL/],
  ['an init container keeps its capabilities', policy.podSecurity, (d) => delete policy.podOf(pick(d, 'Deployment', 'vora-metadata')).initContainers[0].securityContext.capabilities, /container migrate: does not drop ALL/],
  ['seccomp is off', policy.podSecurity, (d) => (upload(d).securityContext.seccompProfile.type = 'Unconfined'), /seccompProfile/],
  ['the host is mounted', policy.podSecurity, (d) => upload(d).volumes.push({ name: 'host', hostPath: { path: '/' } }), /hostPath is not allowed/],
  ['a volume is missing', policy.podSecurity, (d) => upload(d).volumes.splice(0, 1), /mounts tmp, which is no volume/],
  ['service links are on', policy.podSecurity, (d) => delete upload(d).enableServiceLinks, /enableServiceLinks/],
  ['the namespace allows anything', policy.podSecurity, (d) => (pick(d, 'Namespace', 'vora').metadata.labels = {}), /restricted/],
  ['a probe is missing', policy.probes, (d) => delete upload(d).containers[0].readinessProbe, /no readinessProbe/],
  ['liveness asks for readiness', policy.probes, (d) => (upload(d).containers[0].livenessProbe.grpc.service = 'ready'), /gRPC service ready, not live/],
  ['a probe asks a port that is not there', policy.probes, (d) => (upload(d).containers[0].livenessProbe.grpc.port = 9082), /asks port 9082/],
  ['a probe asks the port that speaks TLS', policy.probes, (d) => (upload(d).containers[0].livenessProbe.grpc.port = 9081), /does not ask the port of VORA_HEALTH_LISTEN/],
  ['a limit is missing', policy.resources, (d) => delete upload(d).containers[0].resources.limits.memory, /no limits.memory/],
  ['a scratch volume may grow', policy.resources, (d) => delete upload(d).volumes[0].emptyDir.sizeLimit, /no sizeLimit/],
  ['a budget is missing', policy.availability, (d) => d.splice(d.indexOf(pick(d, 'PodDisruptionBudget', 'vora-upload')), 1), /vora-upload: 0 PodDisruptionBudgets/],
  ['a budget lets nobody go', policy.availability, (d) => (pick(d, 'PodDisruptionBudget', 'vora-upload').spec.maxUnavailable = 0), /no node could ever be drained/],
  ['all replicas may stand on one node', policy.availability, (d) => upload(d).topologySpreadConstraints.pop(), /not spread over kubernetes.io\/hostname/],
  ['a service selects nothing', policy.selectors, (d) => (pick(d, 'Service', 'vora-upload').spec.selector = { app: 'upload' }), /Service\/vora-upload: selects 0/],
  ['a service leads to no port', policy.selectors, (d) => (pick(d, 'Service', 'vora-upload').spec.ports[0].targetPort = 'web'), /port http leads to none/],
  ['two scalers pull at one workload', policy.selectors, (d) => d.push({ ...pick(d, 'HorizontalPodAutoscaler', 'vora-upload') }), /has another scaler/],
  ['a pod is killed while it drains', policy.grace, (d) => (upload(d).terminationGracePeriodSeconds = 30), /vora-upload: terminationGracePeriodSeconds 30/],
  ['an edge is killed before its preStop is over', policy.grace, (d) => (policy.podOf(pick(d, 'Deployment', 'vora-edge')).terminationGracePeriodSeconds = 10), /vora-edge/],
  ['a secret is told', policy.secrets, (d) => upload(d).containers[0].env.push({ name: 'VORA_S3_SECRET_KEY', value: 'hush' }), /VORA_S3_SECRET_KEY does not come from a secret/],
  ['a password stands in a URL', policy.secrets, (d) => (settingsOf(d).storage = 's3://a:b@c/'), /holds a secret/],
  ['a Secret is among the manifests', policy.secrets, (d) => d.push({ kind: 'Secret', metadata: { name: 'x' } }), /Secret\/x/],
  ['the gateway could read uploads', policy.roots, (d) => gateway(d).push({ name: 'VORA_S3_RAW_ACCESS_KEY', value: 'x' }), /vora-streaming-gateway: is given something of the root RAW/],
  ['the gateway has keys of both roots', policy.roots, (d) => gateway(d).push({ name: 'VORA_S3_ACCESS_KEY', value: 'x' }), /vora-streaming-gateway: VORA_S3_ACCESS_KEY is of both roots/],
  ['the gateway has the keys of the other root under its own name', policy.roots, (d) => (gateway(d).find((e) => e.name === 'VORA_S3_PROCESSED_ACCESS_KEY').valueFrom.secretKeyRef.name = 'vora-object-store-raw'), /VORA_S3_PROCESSED_ACCESS_KEY comes from the keys of the root RAW/],
  ['a root lies nowhere', policy.roots, (d) => delete settingsOf(twoRoots(d))['storage-raw'], /vora-upload: vora-settings has neither storage nor storage-raw/],
  ['two workloads share an account', policy.accounts, (d) => (upload(d).serviceAccountName = 'vora-metadata'), /vora-upload: runs as vora-metadata/],
  ['an account is not there', policy.accounts, (d) => d.splice(d.indexOf(pick(d, 'ServiceAccount', 'vora-upload')), 1), /no ServiceAccount vora-upload/],
  ['an account has a token', policy.accounts, (d) => delete pick(d, 'ServiceAccount', 'vora-upload').automountServiceAccountToken, /ServiceAccount\/vora-upload: automountServiceAccountToken is not off/],
  ['a setting is asked of a ConfigMap that has it not', policy.references, (d) => (upload(d).containers[0].env.find((e) => e.name === 'VORA_AUTH').valueFrom.configMapKeyRef.key = 'door'), /no key door/],
  ['an image moves', policy.images, (d) => (upload(d).containers[0].image = 'registry.example.com/vora:latest'), /not pinned/],
  ['an image has no version', policy.images, (d) => (upload(d).containers[0].image = 'registry.example.com/vora'), /not pinned/],
  ['a setting is misspelt', (d) => policy.settings(d, () => new Set(['VORA_HTTP_LISTEN'])), () => {}, /knows no VORA_STORAGE/],
];

describe('the rules catch', () => {
  for (const [what, check, change, said] of breaks) {
    test(what, () => {
      const documents = structuredClone(rendered['overlays/prod']);
      if (!said.source.includes('knows no')) assert.deepEqual(check(documents), [], 'nothing is wrong before');
      change(documents);
      assert.match(check(documents).join('\n'), said);
    });
  }

  const wanted = () => overlays['overlays/prod'].arrows;
  const arrowBreaks = [
    ['an arrow that is missing at one end', (d) => (pick(d, 'NetworkPolicy', 'vora-orchestrator').spec.ingress = []), /vora-transcode-worker -> vora-orchestrator:9085: ingress is not open/],
    ['an arrow that nobody needs', (d) => pick(d, 'NetworkPolicy', 'vora-orchestrator').spec.ingress.push({ from: [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'vora-edge' } } }], ports: [{ port: 9085 }] }), /vora-edge -> vora-orchestrator:9085: ingress is open, and nobody needs it/],
    ['a door that stands open to anybody', (d) => pick(d, 'NetworkPolicy', 'vora-upload').spec.ingress.push({ ports: [{ port: 9081 }] }), /anybody -> vora-upload:9081/],
    ['a worker that may go anywhere', (d) => pick(d, 'NetworkPolicy', 'vora-transcode-worker').spec.egress.push({}), /vora-transcode-worker -> anybody:any/],
    ['a webhook that may reach the inside', (d) => pick(d, 'NetworkPolicy', 'vora-metadata').spec.egress.at(-1).to[0].ipBlock.except.pop(), /nobody needs it/],
    ['that nothing denies by default', (d) => d.splice(d.indexOf(pick(d, 'NetworkPolicy', 'default-deny')), 1), /no policy denies by default/],
  ];
  for (const [what, change, said] of arrowBreaks) {
    test(what, () => {
      const documents = structuredClone(rendered['overlays/prod']);
      change(documents);
      assert.match(compareArrows(documents, wanted()).join('\n'), said);
    });
  }
});
