// NetworkPolicies as arrows: who may open a connection to whom, at which port. Pure.

import { labelsOf, matches, workloads } from './policy.mjs';

const name = (workload) => labelsOf(workload)['app.kubernetes.io/name'] ?? workload.metadata.name;
const portsOf = (rule) => (rule.ports ?? [{ port: 'any' }]).map((p) => `${p.port}${p.protocol === 'UDP' ? '/udp' : ''}`);

// Pods of this namespace by their name; of others by namespace and pod labels; addresses as they are written.
function peersOf(documents, peers) {
  if (!peers?.length) return ['anybody'];
  return peers.flatMap((peer) => {
    if (peer.ipBlock) return [peer.ipBlock.except?.length ? `${peer.ipBlock.cidr} less ${[...peer.ipBlock.except].sort().join(' ')}` : peer.ipBlock.cidr];
    const pods = Object.entries(peer.podSelector?.matchLabels ?? {}).map(([, value]) => value);
    if (peer.namespaceSelector) {
      const spaces = Object.entries(peer.namespaceSelector.matchLabels ?? {}).map(([key, value]) => (key === 'kubernetes.io/metadata.name' ? value : key));
      return [`ns ${spaces.join('+') || 'any'}${pods.length ? `: ${pods.join('+')}` : ''}`];
    }
    const found = workloads(documents).filter((w) => matches(peer.podSelector, labelsOf(w))).map(name);
    return found.length ? found : [`no pod (${JSON.stringify(peer.podSelector)})`];
  });
}

// { ingress, egress }: sets of `from -> to:port`, each as the receiving or the sending side allows it.
export function arrows(documents) {
  const ingress = new Set(), egress = new Set();
  for (const policy of documents.filter((d) => d.kind === 'NetworkPolicy')) {
    for (const pod of workloads(documents).filter((w) => matches(policy.spec.podSelector, labelsOf(w))).map(name)) {
      for (const rule of policy.spec.ingress ?? []) {
        for (const peer of peersOf(documents, rule.from)) for (const port of portsOf(rule)) ingress.add(`${peer} -> ${pod}:${port}`);
      }
      for (const rule of policy.spec.egress ?? []) {
        for (const peer of peersOf(documents, rule.to)) for (const port of portsOf(rule)) egress.add(`${pod} -> ${peer}:${port}`);
      }
    }
  }
  return { ingress, egress };
}

// Every pod is cut off from all, in both directions, where nothing opens it.
export function defaultDeny(documents) {
  return documents.some(
    (d) => d.kind === 'NetworkPolicy' && Object.keys(d.spec.podSelector ?? {}).length === 0 && ['Ingress', 'Egress'].every((type) => d.spec.policyTypes?.includes(type)) && !d.spec.ingress?.length && !d.spec.egress?.length,
  );
}

// The arrows wanted against those there are: [what is wrong].
//
// `wanted`: rows of [from, to, port]; from and to are names of pods, or of something outside as arrows() writes it. An arrow between two pods
// must be open at both ends.
export function compareArrows(documents, wanted) {
  const breaches = defaultDeny(documents) ? [] : ['no policy denies by default'];
  const pods = new Set(workloads(documents).map(name));
  const { ingress, egress } = arrows(documents);
  const expected = { ingress: new Set(), egress: new Set() };
  for (const [from, to, port] of wanted) {
    const arrow = `${from} -> ${to}:${port}`;
    if (!pods.has(from) && !pods.has(to)) breaches.push(`${arrow}: neither end is a pod`);
    if (pods.has(from)) expected.egress.add(arrow);
    if (pods.has(to)) expected.ingress.add(arrow);
  }
  for (const [side, there] of Object.entries({ ingress, egress })) {
    for (const arrow of expected[side]) if (!there.has(arrow)) breaches.push(`${arrow}: ${side} is not open`);
    for (const arrow of there) if (!expected[side].has(arrow)) breaches.push(`${arrow}: ${side} is open, and nobody needs it`);
  }
  return breaches.sort();
}
