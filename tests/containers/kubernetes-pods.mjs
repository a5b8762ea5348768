// The manifests of a cluster as pods that `podman play kube` (4.3) can run. Pure. What it does not know is translated, and only that:
//
//   Deployment, StatefulSet   one pod each, named after the workload, so that its name is found where its Service's would be
//   Secret references         values, for there is no Secret among the manifests
//   projected volumes         one ConfigMap with the files of all
//   volume claims             named volumes
//   emptyDir                  a name of its own in every pod: podman takes those of one name for one volume
//   probes                    left out, and asked by the test itself; the kubelet does no more
//   the pod's user            said at each container
//
// NetworkPolicies, budgets and autoscalers are a cluster's; policy.test.mjs looks at them.

import { podOf, workloads } from './policy.mjs';

// podman would remove an init container that is through while it is still stopping, and fail.
const annotations = { 'io.podman.annotations.init.container.type': 'always' };

// `secrets`: name -> key -> value. [{ name, workload, documents }]; documents are ConfigMaps and the Pod.
export function toPods(documents, secrets) {
  const maps = new Map(documents.filter((d) => d.kind === 'ConfigMap').map((d) => [d.metadata.name, d]));
  return workloads(documents).map((workload) => {
    const name = workload.metadata.name;
    const pod = structuredClone(podOf(workload));
    const needed = new Map();
    const map = (key) => {
      const found = maps.get(key);
      if (!found) throw new Error(`${name}: no ConfigMap ${key}`);
      needed.set(key, found);
      return found;
    };
    const renamed = new Map();
    pod.volumes = [
      ...(pod.volumes ?? []).map((volume) => {
        renamed.set(volume.name, `${name}-${volume.name}`);
        if (volume.configMap) map(volume.configMap.name);
        if (volume.projected) {
          const merged = `${name}-${volume.name}-files`;
          const data = Object.assign({}, ...volume.projected.sources.map((source) => map(source.configMap.name).data));
          needed.set(merged, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: merged }, data });
          return { name: renamed.get(volume.name), configMap: { name: merged } };
        }
        return { ...volume, name: renamed.get(volume.name) };
      }),
      ...(workload.spec.volumeClaimTemplates ?? []).map((claim) => {
        renamed.set(claim.metadata.name, `${name}-${claim.metadata.name}`);
        return { name: renamed.get(claim.metadata.name), persistentVolumeClaim: { claimName: `${name}-${claim.metadata.name}` } };
      }),
    ];
    for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
      for (const mount of container.volumeMounts ?? []) mount.name = renamed.get(mount.name);
      for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) delete container[probe];
      container.imagePullPolicy = 'Never';
      container.securityContext = { runAsUser: pod.securityContext.runAsUser, runAsGroup: pod.securityContext.runAsGroup, ...container.securityContext };
      container.env = (container.env ?? []).flatMap((entry) => {
        const { secretKeyRef, configMapKeyRef } = entry.valueFrom ?? {};
        if (!secretKeyRef && !configMapKeyRef) return [entry];
        const value = secretKeyRef ? secrets[secretKeyRef.name]?.[secretKeyRef.key] : map(configMapKeyRef.name).data[configMapKeyRef.key];
        const optional = (secretKeyRef ?? configMapKeyRef).optional;
        if (value === undefined && !optional) throw new Error(`${name}: ${entry.name} asks for what is not there`);
        return value === undefined ? [] : [{ name: entry.name, value }];
      });
    }
    delete pod.topologySpreadConstraints;
    delete pod.securityContext;
    delete pod.serviceAccountName;
    return {
      name,
      workload,
      documents: [...needed.values(), { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: workload.spec.template.metadata.labels, annotations }, spec: pod }],
    };
  });
}

// From the manifests that overlays/dev/secrets.sh prints.
export function secretsOf(documents) {
  const decode = (text) => Buffer.from(text, 'base64').toString();
  return Object.fromEntries(
    documents.filter((d) => d?.kind === 'Secret').map((d) => [d.metadata.name, Object.fromEntries(Object.entries(d.data).map(([key, value]) => [key, decode(value)]))]),
  );
}
