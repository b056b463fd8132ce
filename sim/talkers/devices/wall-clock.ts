/** What a clock on the wall says in a zone of the IANA database. It names no zone: an hour that comes twice is said twice. */
export class WallClock {
  readonly #format: Intl.DateTimeFormat;

  constructor(zone: string) {
    // Sweden writes the date as ISO 8601 does.
    this.#format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  }

  /** `2020-01-01 00:15` */
  stampOf(atMs: number): string {
    return this.secondsStampOf(atMs).slice(0, 16);
  }

  /** `2020-01-01 00:15:00` */
  secondsStampOf(atMs: number): string {
    return this.#format.format(atMs);
  }

  /** Since midnight, to the minute. */
  hoursOf(atMs: number): number {
    const stamp = this.stampOf(atMs);
    return Number(stamp.slice(11, 13)) + Number(stamp.slice(14, 16)) / 60;
  }

  /** From 0. */
  monthOf(atMs: number): number {
    return Number(this.stampOf(atMs).slice(5, 7)) - 1;
  }

  /** @param month from 0 */
  midnightMs(year: number, month: number, day: number): number {
    const noonMs = Date.UTC(year, month, day, 12);
    return noonMs - this.hoursOf(noonMs) * 3_600_000;
  }
}
