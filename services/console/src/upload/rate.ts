// Smoothed speed of a transfer: an exponential average over about `windowSeconds`.
const windowSeconds = 4;
const minSampleSeconds = 0.25;

export class TransferRate {
  private bytes = -1;
  private at = 0;
  private average = 0;

  // `sent` of all bytes at `now` (ms). Going back (a lost connection) and pauses start anew.
  update(sent: number, now: number): void {
    if (this.bytes < 0 || sent < this.bytes) {
      this.bytes = sent;
      this.at = now;
      return;
    }
    const seconds = (now - this.at) / 1000;
    if (seconds < minSampleSeconds) return;
    const current = (sent - this.bytes) / seconds;
    const weight = this.average > 0 ? 1 - Math.exp(-seconds / windowSeconds) : 1;
    this.average += (current - this.average) * weight;
    this.bytes = sent;
    this.at = now;
  }
  reset(): void {
    this.bytes = -1;
    this.average = 0;
  }
  get bytesPerSecond(): number {
    return this.average;
  }
  // Infinity while unknown.
  secondsLeft(remaining: number): number {
    return this.average > 0 ? remaining / this.average : Infinity;
  }
}
