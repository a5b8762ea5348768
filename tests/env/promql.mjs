// Which metrics and labels a PromQL expression names. Prometheus itself parses the expressions in the test; this only reads names.
const words = new Set(['and', 'or', 'unless', 'by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'offset', 'bool', 'inf', 'nan']);

// { metrics: Map(name -> Set(labels in its matchers)), grouped: Set(labels in by, on ...) }
export function namesOf(expression) {
  const metrics = new Map();
  const grouped = new Set();
  const text = expression.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').replaceAll(/\[[^\]]*\]/g, '').replaceAll(/(?<![\w:])\d[\d.]*(?:e[+-]?\d+)?/gi, '0');
  const token = /(\b(?:by|without|on|ignoring|group_left|group_right))\s*\(([^)]*)\)|([a-zA-Z_:][\w:]*)\s*(\{[^}]*\}|\(|)/g;
  for (const [, clause, list, name, after] of text.matchAll(token)) {
    if (clause) {
      for (const label of list.split(',').map((each) => each.trim()).filter(Boolean)) grouped.add(label);
    } else if (!words.has(name.toLowerCase()) && !after.startsWith('(') && !isAggregationOf(text, name)) {
      const labels = metrics.get(name) ?? metrics.set(name, new Set()).get(name);
      for (const [, label] of after.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) labels.add(label);
    }
  }
  return { metrics, grouped };
}

// `sum by (x) (...)`: the name stands before its clause.
function isAggregationOf(text, name) {
  return new RegExp(`\\b${name}\\s+(?:by|without)\\s*\\(`).test(text) && /^(sum|max|min|avg|count|topk|bottomk|group|stddev|quantile)$/.test(name);
}

// Families of an exposition: [{ name, type, help, samples: [{ name, labels, value }] }].
export function parseExposition(text) {
  const families = new Map();
  let current;
  for (const line of text.split('\n').filter(Boolean)) {
    const [, kind, name, rest] = /^# (HELP|TYPE) (\w+) (.*)$/.exec(line) ?? [];
    if (kind) {
      current = families.get(name) ?? families.set(name, { name, samples: [] }).get(name);
      current[kind.toLowerCase()] = rest;
      continue;
    }
    const [, sample, labels, value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (!sample) throw new Error(`not understood: ${line}`);
    current.samples.push({
      name: sample,
      labels: Object.fromEntries([...(labels ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text_]) => [label, text_])),
      value: Number(value.replace('Inf', 'Infinity')),
    });
  }
  return [...families.values()];
}
