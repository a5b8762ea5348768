// The whole stack on a real S3 server that goes away for 20 s while a video is processed.
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';

import { source } from '../env/media.mjs';
import { assertNothingLostOrDoneTwice } from '../env/proof.mjs';
import { S3Server } from '../env/s3.mjs';
import { Stack, until } from '../env/stack.mjs';

const seconds = 24;
let stack, s3, file;

before(async () => {
  s3 = await S3Server.start('faults-rgw', 17490);
  stack = new Stack('faults-s3', 23080, s3.env);
  await stack.reset();
  file = await source({ seconds });
});
after(async () => {
  await stack?.down();
  await s3?.stop();
});

test('the object store is away for 20 s: the work waits and ends READY', async () => {
  const created = await stack.upload(file);
  await until('20 % of 720p', async () => ((await stack.video(created.video_id)).renditions.find((r) => r.name === '720p')?.progress_percent ?? 0) >= 20, { every: 50 });
  const pid = await s3.pid();
  process.kill(pid, 'SIGSTOP');
  await pause(20_000);   // the length of the fault, not a wait for something
  process.kill(pid, 'SIGCONT');
  const { upload_id: upload } = await stack.reach(created.video_id);
  await assertNothingLostOrDoneTwice(stack, created.video_id, file, { frames: seconds * 30, storedSha256: await s3.sha256(`raw/${upload}/original`) });
});
