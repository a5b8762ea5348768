// graphile-worker: three tasks, each adding a job of the next; settings as its page on performance has them.
import { Logger, run } from 'graphile-worker';
import { Chains, open, url } from './chains.mjs';

const chains = new Chains();
const runner = await run({
  preset: {
    worker: {
      connectionString: url,
      concurrentJobs: 24,
      maxPoolSize: 25,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      logger: new Logger(() => () => {}), // a line for each job is not what is measured
    },
  },
  taskList: {
    one: (_payload, helpers) => helpers.addJob('two', {}),
    two: (_payload, helpers) => helpers.addJob('three', {}),
    three: async (_payload, helpers) => {
      chains.closed();
      if (chains.running) await helpers.addJob('one', {});
    },
  },
});
for (let i = 0; i < open; ++i) await runner.addJob('one', {});
await chains.done;
chains.print();
process.exit(0);
