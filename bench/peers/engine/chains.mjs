// What the peers share: the settings of a round, the count of closed chains, the line of figures.

export const url = process.env.BENCH_DATABASE_URL;
export const open = Number(process.env.BENCH_OPEN ?? 64);
const seconds = Number(process.env.BENCH_SECONDS ?? 8);
const warmUp = Number(process.env.BENCH_WARM_UP ?? 1);

export class Chains {
  constructor() {
    this.counted = performance.now() + warmUp * 1000;
    this.end = this.counted + seconds * 1000;
    this.count = 0;
    this.done = new Promise((resolve) => setTimeout(resolve, (warmUp + seconds) * 1000));
  }

  get running() {
    return performance.now() < this.end;
  }

  closed(number = 1) {
    const now = performance.now();
    if (now >= this.counted && now < this.end) this.count += number;
  }

  // `RESULT per_second cpu_seconds`, the processor time of this process.
  print() {
    const { user, system } = process.cpuUsage();
    console.log(`RESULT ${(this.count / seconds).toFixed(1)} ${((user + system) / 1e6).toFixed(2)}`);
  }
}
