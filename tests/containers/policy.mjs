// What every rendered manifest must keep to. Pure: documents in, a list of breaches out, each naming the object, the place and the rule.

const WORKLOADS = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Job']);
const SERVED = new Set(['Deployment', 'StatefulSet', 'DaemonSet']);

export const workloads = (documents) => documents.filter((d) => WORKLOADS.has(d.kind));
export const podOf = (workload) => workload.spec.template.spec;
export const containersOf = (workload) => [...(podOf(workload).initContainers ?? []), ...podOf(workload).containers];
export const labelsOf = (workload) => workload.spec.template.metadata?.labels ?? {};
const title = (object) => `${object.kind}/${object.metadata.name}`;

export function matches(selector, labels) {
  if (Object.entries(selector?.matchLabels ?? {}).some(([key, value]) => labels[key] !== value)) return false;
  return (selector?.matchExpressions ?? []).every(({ key, operator, values }) => {
    if (operator === 'In') return values.includes(labels[key]);
    if (operator === 'NotIn') return !values.includes(labels[key]);
    if (operator === 'Exists') return key in labels;
    return !(key in labels);
  });
}

// Replicas that there may be: an autoscaler's word goes before the manifest's.
export function replicas(documents, workload) {
  const targets = documents.filter(
    (d) => ['HorizontalPodAutoscaler', 'ScaledObject'].includes(d.kind) && d.spec.scaleTargetRef?.kind === workload.kind && d.spec.scaleTargetRef?.name === workload.metadata.name,
  );
  return Math.max(workload.spec.replicas ?? 1, ...targets.map((d) => d.spec.maxReplicas ?? d.spec.maxReplicaCount ?? 1));
}

// Kubernetes' restricted standard, and a read-only root, which it does not ask for.
export function podSecurity(documents) {
  const breaches = [];
  for (const namespace of documents.filter((d) => d.kind === 'Namespace')) {
    if (namespace.metadata.labels?.['pod-security.kubernetes.io/enforce'] !== 'restricted') breaches.push(`${title(namespace)}: does not enforce the restricted standard`);
  }
  for (const workload of workloads(documents)) {
    const pod = podOf(workload);
    const report = (rule) => breaches.push(`${title(workload)}: ${rule}`);
    for (const shared of ['hostNetwork', 'hostPID', 'hostIPC', 'shareProcessNamespace']) if (pod[shared]) report(`${shared} is on`);
    if (pod.automountServiceAccountToken !== false) report('automountServiceAccountToken is not off');
    if (pod.enableServiceLinks !== false) report('enableServiceLinks is not off: services named vora-* would set VORA_* variables');
    for (const volume of pod.volumes ?? []) {
      const kind = Object.keys(volume).find((key) => key !== 'name');
      if (!['configMap', 'emptyDir', 'secret', 'persistentVolumeClaim', 'projected', 'downwardAPI'].includes(kind)) report(`volume ${volume.name}: ${kind} is not allowed`);
    }
    for (const container of containersOf(workload)) {
      const context = { ...pod.securityContext, ...container.securityContext };
      const complain = (rule) => report(`container ${container.name}: ${rule}`);
      if (context.runAsNonRoot !== true) complain('runAsNonRoot is not true');
      if (!(context.runAsUser > 0)) complain('runAsUser is not a user other than root');
      if (context.readOnlyRootFilesystem !== true) complain('readOnlyRootFilesystem is not true');
      if (context.allowPrivilegeEscalation !== false) complain('allowPrivilegeEscalation is not false');
      if (context.privileged) complain('privileged');
      if (!context.capabilities?.drop?.includes('ALL')) complain('does not drop ALL capabilities');
      if (context.capabilities?.add?.length) complain(`adds capabilities: ${context.capabilities.add}`);
      if (context.seccompProfile?.type !== 'RuntimeDefault') complain('seccompProfile is not RuntimeDefault');
      for (const port of container.ports ?? []) if (port.hostPort) complain(`hostPort ${port.hostPort}`);
      for (const mount of container.volumeMounts ?? []) {
        const claimed = (workload.spec.volumeClaimTemplates ?? []).some((claim) => claim.metadata.name === mount.name);
        if (!claimed && !(pod.volumes ?? []).some((volume) => volume.name === mount.name)) complain(`mounts ${mount.name}, which is no volume`);
      }
    }
  }
  return breaches;
}

const questionOf = (probe) => probe && ['grpc', 'httpGet', 'tcpSocket', 'exec'].find((kind) => probe[kind]);

export function probes(documents) {
  const breaches = [];
  for (const workload of documents.filter((d) => SERVED.has(d.kind))) {
    for (const container of podOf(workload).containers) {
      const complain = (rule) => breaches.push(`${title(workload)}: container ${container.name}: ${rule}`);
      for (const kind of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
        const probe = container[kind];
        if (!questionOf(probe)) { complain(`no ${kind}`); continue; }
        const port = probe.grpc?.port ?? probe.httpGet?.port ?? probe.tcpSocket?.port;
        if (port !== undefined && !container.ports?.some((p) => p.name === port || p.containerPort === port)) complain(`${kind} asks port ${port}, which the container does not have`);
        const wanted = kind === 'readinessProbe' ? 'ready' : 'live';
        if (probe.grpc && probe.grpc.service !== wanted) complain(`${kind} asks gRPC service ${probe.grpc.service}, not ${wanted}`);
      }
      if (isDaemon(container)) {
        // The gRPC port may speak TLS, which the kubelet does not.
        const health = Number(container.env?.find((e) => e.name === 'VORA_HEALTH_LISTEN')?.value?.split(':').at(-1));
        for (const kind of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
          if (container[kind]?.grpc?.port !== health) complain(`${kind} does not ask the port of VORA_HEALTH_LISTEN by gRPC`);
        }
      }
    }
  }
  return breaches;
}

export const isDaemon = (container) => /^\/usr\/bin\/vora-/.test(container.command?.[0] ?? '');

export function resources(documents) {
  const breaches = [];
  for (const workload of workloads(documents)) {
    for (const container of containersOf(workload)) {
      for (const side of ['requests', 'limits']) {
        for (const kind of ['cpu', 'memory']) {
          if (!container.resources?.[side]?.[kind]) breaches.push(`${title(workload)}: container ${container.name}: no ${side}.${kind}`);
        }
      }
    }
    for (const volume of podOf(workload).volumes ?? []) {
      if (volume.emptyDir && !volume.emptyDir.sizeLimit) breaches.push(`${title(workload)}: volume ${volume.name} has no sizeLimit`);
    }
  }
  return breaches;
}

// What has several replicas loses one at a time, and does not stand on one node.
export function availability(documents) {
  const breaches = [];
  for (const workload of documents.filter((d) => SERVED.has(d.kind) && replicas(documents, d) > 1)) {
    const labels = labelsOf(workload);
    const budgets = documents.filter((d) => d.kind === 'PodDisruptionBudget' && matches(d.spec.selector, labels));
    if (budgets.length !== 1) breaches.push(`${title(workload)}: ${budgets.length} PodDisruptionBudgets`);
    for (const budget of budgets) {
      if (budget.spec.maxUnavailable === undefined && budget.spec.minAvailable === undefined) breaches.push(`${title(budget)}: says nothing`);
      if (budget.spec.maxUnavailable === 0) breaches.push(`${title(budget)}: no node could ever be drained`);
    }
    const spread = podOf(workload).topologySpreadConstraints ?? [];
    for (const key of ['topology.kubernetes.io/zone', 'kubernetes.io/hostname']) {
      if (!spread.some((s) => s.topologyKey === key && matches(s.labelSelector, labels))) breaches.push(`${title(workload)}: not spread over ${key}`);
    }
  }
  return breaches;
}

// Whatever selects, selects something; whatever refers, refers to something that is there.
export function selectors(documents) {
  const breaches = [];
  const all = workloads(documents);
  const selected = (selector) => all.filter((w) => matches(selector, labelsOf(w)));
  for (const workload of documents.filter((d) => SERVED.has(d.kind))) {
    if (!matches(workload.spec.selector, labelsOf(workload))) breaches.push(`${title(workload)}: does not select its own pods`);
    if (selected(workload.spec.selector).length !== 1) breaches.push(`${title(workload)}: selects pods of others`);
    if (workload.kind === 'StatefulSet' && !documents.some((d) => d.kind === 'Service' && d.metadata.name === workload.spec.serviceName)) breaches.push(`${title(workload)}: no service ${workload.spec.serviceName}`);
  }
  for (const service of documents.filter((d) => d.kind === 'Service')) {
    const found = selected({ matchLabels: service.spec.selector });
    if (found.length !== 1) breaches.push(`${title(service)}: selects ${found.length} workloads`);
    for (const port of service.spec.ports) {
      for (const workload of found) {
        const open = podOf(workload).containers.flatMap((c) => c.ports ?? []);
        if (!open.some((p) => p.name === port.targetPort || p.containerPort === (port.targetPort ?? port.port))) breaches.push(`${title(service)}: port ${port.name} leads to none of ${title(workload)}`);
      }
    }
  }
  for (const budget of documents.filter((d) => d.kind === 'PodDisruptionBudget')) {
    if (selected(budget.spec.selector).length !== 1) breaches.push(`${title(budget)}: selects ${selected(budget.spec.selector).length} workloads`);
  }
  for (const scaler of documents.filter((d) => ['HorizontalPodAutoscaler', 'ScaledObject'].includes(d.kind))) {
    const { kind, name } = scaler.spec.scaleTargetRef;
    if (!all.some((w) => w.kind === kind && w.metadata.name === name)) breaches.push(`${title(scaler)}: no ${kind}/${name}`);
    if (documents.some((d) => d !== scaler && d.spec?.scaleTargetRef?.kind === kind && d.spec?.scaleTargetRef?.name === name)) breaches.push(`${title(scaler)}: ${kind}/${name} has another scaler`);
  }
  for (const monitor of documents.filter((d) => d.kind === 'ServiceMonitor')) {
    for (const daemon of all.filter((w) => podOf(w).containers.some(isDaemon))) {
      const service = documents.find((d) => d.kind === 'Service' && matches({ matchLabels: d.spec.selector }, labelsOf(daemon)) && matches(monitor.spec.selector, d.metadata.labels ?? {}));
      if (!service || !monitor.spec.endpoints.every((e) => service.spec.ports.some((p) => p.name === e.port))) breaches.push(`${title(monitor)}: does not scrape ${title(daemon)}`);
    }
  }
  return breaches;
}

export const seconds = (text) => {
  const [, number, unit] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? [];
  return number === undefined ? NaN : Number(number) * { ms: 0.001, s: 1, m: 60, h: 3600 }[unit];
};

// A daemon ends itself five seconds after its drain timeout: only then may the kubelet.
export function grace(documents) {
  const breaches = [];
  for (const workload of documents.filter((d) => SERVED.has(d.kind))) {
    for (const container of podOf(workload).containers) {
      const setting = (name, fallback) => seconds(container.env?.find((e) => e.name === name)?.value ?? fallback);
      const [command, ...rest] = container.lifecycle?.preStop?.exec?.command ?? [];
      let needed = command === 'sleep' ? Number(rest[0]) : 0;
      if (isDaemon(container)) needed += setting('VORA_DRAIN_DELAY', '0s') + setting('VORA_DRAIN_TIMEOUT', '20s') + 5;
      const given = podOf(workload).terminationGracePeriodSeconds ?? 30;
      if (!(given > needed)) breaches.push(`${title(workload)}: terminationGracePeriodSeconds ${given} is not beyond the ${needed} s that ${container.name} may take to leave`);
    }
  }
  return breaches;
}

const SECRET_NAME = /(SECRET|PASSWORD|TOKEN|PRIVATE|ACCESS_KEY|DATABASE_URL|PLAYBACK_KEYS)/;

// Secrets are named, never told.
export function secrets(documents) {
  const breaches = documents.filter((d) => d.kind === 'Secret').map((d) => `${title(d)}: is part of the manifests`);
  for (const workload of workloads(documents)) {
    for (const container of containersOf(workload)) {
      for (const { name, value, valueFrom } of container.env ?? []) {
        const complain = (rule) => breaches.push(`${title(workload)}: container ${container.name}: ${name} ${rule}`);
        if (SECRET_NAME.test(name) && !/_FILE$|TOKENS$/.test(name) && !valueFrom?.secretKeyRef) complain('does not come from a secret');
        if (/:\/\/[^/@\s]+:[^/@\s]+@/.test(value ?? '')) complain('holds a password');
      }
    }
  }
  for (const map of documents.filter((d) => d.kind === 'ConfigMap')) {
    for (const [key, value] of Object.entries(map.data ?? {})) {
      if (/:\/\/[^/@\s]+:[^/@\s]+@|BEGIN [A-Z ]*PRIVATE KEY/.test(value)) breaches.push(`${title(map)}: ${key} holds a secret`);
    }
  }
  return breaches;
}

// Who may be given what of the two roots (docs/object-stores.md).
const ROOTS = { 'vora-upload': ['RAW'], 'vora-streaming-gateway': ['PROCESSED'], 'vora-transcode-worker': ['RAW', 'PROCESSED'] };

export function roots(documents) {
  const breaches = [];
  const places = documents.find((d) => d.kind === 'ConfigMap' && d.metadata.name.startsWith('vora-settings'))?.data ?? {};
  for (const workload of workloads(documents)) {
    const complain = (rule) => breaches.push(`${title(workload)}: ${rule}`);
    const env = podOf(workload).containers.filter(isDaemon).flatMap((container) => container.env ?? []);
    const given = new Set(env.flatMap(({ name }) => /^VORA_(?:S3|STORAGE)_(RAW|PROCESSED)/.exec(name)?.[1] ?? []));
    const own = ROOTS[workload.metadata.name] ?? [];
    for (const root of given) if (!own.includes(root)) complain(`is given something of the root ${root}`);
    for (const root of own) {
      const place = `storage-${root.toLowerCase()}`;
      if (!given.has(root)) complain(`is given nothing of the root ${root}`);
      if (!places.storage && !places[place]) complain(`vora-settings has neither storage nor ${place}`);
    }
    for (const { name, valueFrom } of env) {
      // A secret that is kept for one root would open it to who has the other.
      if (/^(VORA_S3|AWS)_(ACCESS|SECRET|SESSION)/.test(name)) complain(`${name} is of both roots`);
      const secret = /^vora-object-store-(.*)/.exec(valueFrom?.secretKeyRef?.name ?? '')?.[1].toUpperCase();
      if (secret && !name.startsWith(`VORA_S3_${secret}_`)) complain(`${name} comes from the keys of the root ${secret}`);
    }
  }
  return breaches;
}

// Each runs as itself, so that a cloud can tell them apart; no account has a token of Kubernetes.
export function accounts(documents) {
  const breaches = [];
  const there = new Map(documents.filter((d) => d.kind === 'ServiceAccount').map((d) => [d.metadata.name, d]));
  for (const account of there.values()) if (account.automountServiceAccountToken !== false) breaches.push(`${title(account)}: automountServiceAccountToken is not off`);
  for (const workload of workloads(documents)) {
    const account = podOf(workload).serviceAccountName;
    const wanted = workload.metadata.name.startsWith('vora-') ? workload.metadata.name : undefined;
    if (account !== wanted) breaches.push(`${title(workload)}: runs as ${account}`);
    if (account && !there.has(account)) breaches.push(`${title(workload)}: no ServiceAccount ${account}`);
  }
  return breaches;
}

// ConfigMaps that are asked for exist, with the key.
export function references(documents) {
  const breaches = [];
  const maps = new Map(documents.filter((d) => d.kind === 'ConfigMap').map((d) => [d.metadata.name, d]));
  for (const workload of workloads(documents)) {
    const complain = (rule) => breaches.push(`${title(workload)}: ${rule}`);
    for (const volume of podOf(workload).volumes ?? []) {
      if (volume.configMap && !maps.has(volume.configMap.name)) complain(`no ConfigMap ${volume.configMap.name}`);
    }
    for (const container of containersOf(workload)) {
      for (const { name, valueFrom } of container.env ?? []) {
        const wanted = valueFrom?.configMapKeyRef;
        if (wanted && !wanted.optional && !(wanted.key in (maps.get(wanted.name)?.data ?? {}))) complain(`${name}: no key ${wanted.key} in ConfigMap ${wanted.name}`);
      }
    }
  }
  return breaches;
}

// `known(program)` gives the settings that the program's --help lists, or undefined where it is not built.
export function settings(documents, known) {
  const breaches = [];
  for (const workload of workloads(documents)) {
    for (const container of containersOf(workload).filter(isDaemon)) {
      const names = known(container.command[0].replace('/usr/bin/', ''));
      for (const { name } of container.env ?? []) {
        if (names && !names.has(name)) breaches.push(`${title(workload)}: container ${container.name}: ${container.command[0]} knows no ${name}`);
      }
    }
  }
  return breaches;
}

// One image version each, and never the moving one.
export function images(documents) {
  return workloads(documents).flatMap((workload) =>
    containersOf(workload)
      .filter(({ image }) => !/:[^/]+$|@sha256:/.test(image) || (/:latest$/.test(image) && !image.startsWith('localhost/')))
      .map(({ name, image }) => `${title(workload)}: container ${name}: image ${image} is not pinned`),
  );
}
