// DBOS: a workflow of three steps; whoever waits for one starts the next. Each start, each step and each end is written down.
import { DBOS } from '@dbos-inc/dbos-sdk';
import { Chains, open, url } from './chains.mjs';

const nothing = async () => ({});
const chain = DBOS.registerWorkflow(
  async () => {
    for (const name of ['one', 'two', 'three']) await DBOS.runStep(nothing, { name });
  },
  { name: 'chain' },
);

DBOS.setConfig({
  name: 'bench',
  systemDatabaseUrl: url,
  systemDatabasePoolSize: Number(process.env.BENCH_POOL ?? 20),
  logLevel: 'error',
});
await DBOS.launch();

const chains = new Chains();
const loop = async () => {
  while (chains.running) {
    await chain();
    chains.closed();
  }
};
await Promise.all(Array.from({ length: open }, loop));
chains.print();
await DBOS.shutdown();
process.exit(0);
