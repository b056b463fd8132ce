const DAY_MS = 86_400_000;
/** Days whose offset is remembered: a backlog of a season, and no more memory than that. */
const DAYS_MAX = 512;
const OFFSET_PATTERN = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?/;

/** An instant that a wall clock meant, and whether that wall clock said it twice or never. */
export interface ZonedTime {
  readonly timestampMs: number;
  readonly local: 'once' | 'fold' | 'gap';
}

/**
 * A zone of the IANA database, as the runtime's ICU has it. Pure but for what it remembers. The hour that a wall clock
 * says twice in autumn (a fold) is taken as its first pass; one that it never says in spring (a gap) as a clock says it that
 * was not put forward: 02:30 is 03:30. The same as `disambiguation: 'compatible'` of TC39 Temporal, and RFC 5545
 * section 3.3.5. Which pass was meant nobody can know: whoever takes a time from here says so beside it.
 */
export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  /** Day of UTC → its offset, where it has but one. */
  readonly #days = new Map<number, number | undefined>();

  /** @param name `Europe/Athens`, `UTC`. Throws `RangeError` for one that there is not. */
  constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  }

  /** What a wall clock there is ahead of UTC, in milliseconds. */
  offsetMsAt(utcMs: number): number {
    const day = Math.floor(utcMs / DAY_MS);
    if (!this.#days.has(day)) {
      if (this.#days.size === DAYS_MAX) this.#days.clear();
      const offsetMs = this.#askedOffsetMs(day * DAY_MS);
      this.#days.set(day, offsetMs === this.#askedOffsetMs((day + 1) * DAY_MS) ? offsetMs : undefined);
    }
    return this.#days.get(day) ?? this.#askedOffsetMs(utcMs);
  }

  /** @param localMs what the wall clock says, as if it were UTC, in milliseconds since 1970 */
  instantOf(localMs: number): ZonedTime {
    const beforeMs = this.offsetMsAt(localMs - DAY_MS);
    const afterMs = this.offsetMsAt(localMs + DAY_MS);
    if (beforeMs === afterMs) return { timestampMs: localMs - beforeMs, local: 'once' };
    const isBefore = this.offsetMsAt(localMs - beforeMs) === beforeMs;
    const isAfter = this.offsetMsAt(localMs - afterMs) === afterMs;
    if (isBefore) return { timestampMs: localMs - beforeMs, local: isAfter ? 'fold' : 'once' };
    if (isAfter) return { timestampMs: localMs - afterMs, local: 'once' };
    return { timestampMs: localMs - beforeMs, local: 'gap' };
  }

  #askedOffsetMs(utcMs: number): number {
    const [, sign, hours, minutes, seconds = '0'] = OFFSET_PATTERN.exec(this.#format.format(utcMs)) ?? [];
    if (sign === undefined) return 0;
    return (sign === '-' ? -1000 : 1000) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
  }
}
