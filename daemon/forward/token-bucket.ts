/**
 * Bounds a rate of bytes. What is sent is charged afterwards, so that the bucket may go into debt and the next batch waits
 * the longer: the rate holds over time whatever a batch turns out to weigh.
 */
export class TokenBucket {
  readonly #bytesPerSecond: number;
  readonly #burstBytes: number;
  #tokens: number;
  #atMs: number;

  /** Full at first: `burstBytes` may go at once. */
  constructor(bytesPerSecond: number, burstBytes: number, nowMs: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#burstBytes = burstBytes;
    this.#tokens = burstBytes;
    this.#atMs = nowMs;
  }

  /** When something may be sent; `nowMs` or earlier when it may at once. On the monotonic clock. */
  readyMs(nowMs: number): number {
    this.#refill(nowMs);
    return this.#tokens > 0 ? nowMs : nowMs + ((1 - this.#tokens) / this.#bytesPerSecond) * 1000;
  }

  charge(bytes: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#tokens -= bytes;
  }

  #refill(nowMs: number): void {
    const gained = ((nowMs - this.#atMs) / 1000) * this.#bytesPerSecond;
    this.#tokens = Math.min(this.#burstBytes, this.#tokens + gained);
    this.#atMs = nowMs;
  }
}
