// Writes docs/metrics.md from the golden texts of what is declared (metrics.txt beside each metrics.h). Run after a change of those.
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const everywhere = ['libs/daemon', 'libs/http', 'libs/rpc', 'libs/auth', 'libs/obs'];

// Which folders' metrics a daemon shows, by the name of its job.
export const daemons = {
  'vora-upload': ['services/upload', 'libs/storage', ...everywhere],
  'vora-metadata': ['services/metadata', 'libs/pg', 'libs/workflow', ...everywhere],
  'vora-streaming-gateway': ['services/streaming-gateway', 'libs/storage', ...everywhere],
  'vora-analytics-ingest': ['services/analytics-ingest', ...everywhere],
  'vora-amqp': ['services/amqp-bridge', ...everywhere],
  'vora-orchestrator': ['services/orchestrator', 'libs/workflow', 'libs/pg', ...everywhere],
  'vora-transcode-worker': ['services/transcode-worker', 'libs/storage', 'libs/workflow', ...everywhere],
};

// Every declared family: { folder, type, name, labels, help }.
export async function declared() {
  const families = [];
  for (const parent of ['services', 'libs']) {
    for (const entry of (await readdir(path.join(root, parent))).sort()) {
      const folder = `${parent}/${entry}`;
      const text = await readFile(path.join(root, folder, 'metrics.txt'), 'utf8').catch(() => '');
      for (const line of text.split('\n').filter(Boolean)) {
        const [, type, name, labels, help] = /^(\w+) (\w+)(?:\{([\w,]+)\})?: (.+)$/.exec(line) ?? [];
        if (!name) throw new Error(`${folder}/metrics.txt: not understood: ${line}`);
        families.push({ folder, type, name, labels: labels ? labels.split(',') : [], help });
      }
    }
  }
  return families;
}

export async function render() {
  const families = await declared();
  const folders = [...new Set(families.map((family) => family.folder))];
  const lines = [
    '# Metrics',
    '',
    'Made by `node docs/metrics.mjs` from what the code declares, in one file per folder; a test of each folder and one of the whole stack hold',
    'it to that. Every daemon shows its own at `/metrics` of its admin port. Units are seconds and bytes; counters end in `_total`; a histogram has',
    '`_bucket`, `_sum` and `_count`. No label has a value per client, video or request. Dashboards are in `deploy/grafana`, alerts in',
    '`deploy/prometheus`, what to do about them in [runbooks](runbooks/README.md), why it is so in [ADR 13](adr/0013-metrics.md).',
    '',
    '| daemon | shows the metrics of |',
    '|---|---|',
  ];
  for (const [daemon, shown] of Object.entries(daemons)) {
    lines.push(`| \`${daemon}\` | ${shown.filter((folder) => folders.includes(folder)).map((folder) => `[${folder}](#${folder.replace('/', '')})`).join(', ')} |`);
  }
  for (const folder of folders) {
    lines.push('', `## ${folder}`, '', '| metric | type | labels | |', '|---|---|---|---|');
    for (const family of families.filter((each) => each.folder === folder)) {
      lines.push(`| \`${family.name}\` | ${family.type} | ${family.labels.map((label) => `\`${label}\``).join(', ')} | ${family.help.replaceAll('|', '\\|')} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await writeFile(path.join(root, 'docs/metrics.md'), await render());
