// The load of bench/load.sh, small enough to run with every change: no error, bounded memory, a clean drain, and nothing lost or counted
// twice. The figures of a quiet machine are the benchmark's (docs/benchmarks.md).
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { root, run } from '../env/stack.mjs';

// Beside programs that compile, a tenth of the load may take as long as it wants; everything else holds.
const timed = new Set(['load.segment_p99', 'load.late_segments', 'load.events_per_second', 'load.drain']);

test('uploads, players and events together, then SIGTERM: all that was acknowledged is there', async () => {
  const { stdout, stderr } = await run(path.join(root, 'bench/run.sh'), ['--json', 'load'], {
    env: {
      VORA_BENCH_HOME: path.join(process.env.VORA_HOME ?? path.join(root, '.vora/tests'), 'load'), VORA_BENCH_PORT_BASE: '31480',
      VORA_BENCH_LOAD_UPLOADS: '20', VORA_BENCH_LOAD_PLAYERS: '200', VORA_BENCH_LOAD_EVENTS: '500', VORA_BENCH_LOAD_FOR: '10', VORA_BENCH_LOAD_VIDEOS: '1',
    },
    timeout: 300_000,
  });
  let figures;
  try {
    figures = JSON.parse(stdout);
  } catch {
    assert.fail(`no figures:\n${stdout}\n${stderr}`);
  }
  const names = figures.map(({ name }) => name);
  for (const name of ['errors', 'uploads_at_once', 'memory_upload', 'memory_metadata', 'memory_orchestrator', 'memory_analytics-ingest',
    'memory_streaming-gateway', 'memory_varnish', 'bad_exit_codes', 'events_lost', 'events_twice', 'uploads_lost', 'uploads_twice']) {
    assert.ok(names.includes(`load.${name}`), `${name} was measured`);
  }
  const short = figures.filter(({ name, holds }) => !holds && !timed.has(name));
  assert.deepEqual(short, [], stderr);
});
