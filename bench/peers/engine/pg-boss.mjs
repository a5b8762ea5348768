// pg-boss: three queues, each with a worker that is told of new jobs (LISTEN), fetches up to 100 and makes those of the next queue.
// BENCH_NEXT=send: each job sends its own next one, as chains that go different ways do. BENCH_NEXT=insert: those of a whole batch are put
// in by one call.
import { PgBoss } from 'pg-boss';
import { Chains, open, url } from './chains.mjs';

const boss = new PgBoss({ connectionString: url, max: Number(process.env.BENCH_POOL ?? 20), useListenNotify: true, schedule: false });
boss.on('error', (error) => {
  console.error(error);
  process.exit(1);
});
await boss.start();
const queues = ['one', 'two', 'three'];
for (const queue of queues) await boss.createQueue(queue, { notify: true });

const insert = (queue, count) => boss.insert(queue, Array.from({ length: count }, () => ({ data: {} })));
const send = (queue, count) => Promise.all(Array.from({ length: count }, () => boss.send(queue, {})));
const next = process.env.BENCH_NEXT === 'insert' ? insert : send;

const chains = new Chains();
const options = { batchSize: 100, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 0.5 };
for (const [index, queue] of queues.entries()) {
  await boss.work(queue, options, async (jobs) => {
    if (index + 1 < queues.length) {
      await next(queues[index + 1], jobs.length);
      return;
    }
    chains.closed(jobs.length);
    if (chains.running) await next(queues[0], jobs.length);
  });
}
await insert(queues[0], open);
await chains.done;
chains.print();
process.exit(0);
