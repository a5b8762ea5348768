// pg-boss: three queues, of each of which up to 100 jobs are fetched at a time.
// BENCH_NEXT=insert: a worker (`work`), told of new jobs by NOTIFY, puts those of the next queue in by one call for its whole batch.
// BENCH_NEXT=send: each job sends its own next one, as chains that go different ways do; the queues are asked again and again, as commits
// that notify wait for one another.
import { setTimeout as sleep } from 'node:timers/promises';
import { PgBoss } from 'pg-boss';
import { Chains, open, url } from './chains.mjs';

const together = process.env.BENCH_NEXT === 'insert';
const boss = new PgBoss({
  connectionString: url,
  max: Number(process.env.BENCH_POOL ?? 20),
  useListenNotify: together,
  schedule: false,
});
boss.on('error', (error) => {
  console.error(error);
  process.exit(1);
});
await boss.start();
const queues = ['one', 'two', 'three'];
for (const queue of queues) await boss.createQueue(queue, { notify: together });

const insert = (queue, count) => boss.insert(queue, Array.from({ length: count }, () => ({ data: {} })));
const send = (queue, count) => Promise.all(Array.from({ length: count }, () => boss.send(queue, {})));
const next = together ? insert : send;

const chains = new Chains();
const handler = (index) => async (jobs) => {
  if (index + 1 < queues.length) {
    await next(queues[index + 1], jobs.length);
    return;
  }
  chains.closed(jobs.length);
  if (chains.running) await next(queues[0], jobs.length);
};
const fetching = async (queue, handle) => {
  while (chains.running) {
    const jobs = await boss.fetch(queue, { batchSize: 100 });
    if (jobs.length === 0) {
      await sleep(2);
      continue;
    }
    await handle(jobs);
    await boss.complete(
      queue,
      jobs.map((job) => job.id),
    );
  }
};
const options = { batchSize: 100, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5, notifyPollingIntervalSeconds: 0.5 };
for (const [index, queue] of queues.entries()) {
  if (together) await boss.work(queue, options, handler(index));
  else fetching(queue, handler(index));
}
await insert(queues[0], open);
await chains.done;
chains.print();
process.exit(0);
