import type { RunId } from '../../protocol/ids.ts';

/** When an alarm of a gateway changed last, by the clock of the centre, in milliseconds since 1970. */
export interface BoardAlarm {
  readonly station: string;
  readonly alarm: string;
  readonly level: string;
  /** 0: not since the centre knows of it. */
  readonly raisedMs: number;
  /** 0: not since. */
  readonly clearedMs: number;
  /** Of the record that said so last. */
  readonly run: RunId;
  readonly sequence: number;
}

/** What a record of kind `alarm` says. */
export interface AlarmChange extends Pick<BoardAlarm, 'station' | 'alarm' | 'level' | 'run' | 'sequence'> {
  readonly event: 'raised' | 'cleared';
  readonly atMs: number;
}

/** Of one gateway: more than anybody would configure. */
const ALARMS_MAX = 64;

/** The alarms of one gateway, as its records have told. Bounded: beyond that the one that was cleared first is forgotten. */
export class AlarmBoard {
  readonly #alarms = new Map<string, BoardAlarm>();

  constructor(kept: readonly BoardAlarm[] = []) {
    for (const alarm of kept.slice(0, ALARMS_MAX)) this.#alarms.set(keyOf(alarm), alarm);
  }

  get alarms(): readonly BoardAlarm[] {
    return [...this.#alarms.values()];
  }

  /** Whether that changed anything: an older record of the same run, which came later, does not. */
  see({ event, atMs, ...change }: AlarmChange): boolean {
    const key = keyOf(change);
    const before = this.#alarms.get(key);
    if (before !== undefined && before.run === change.run && before.sequence >= change.sequence) return false;
    const { raisedMs = 0, clearedMs = 0 } = before ?? {};
    // Both may come in the same millisecond, and the later one counts.
    const nowMs = Math.max(atMs, Math.max(raisedMs, clearedMs) + 1);
    this.#alarms.set(key, {
      ...change,
      raisedMs: event === 'raised' ? nowMs : raisedMs,
      clearedMs: event === 'cleared' ? nowMs : clearedMs,
    });
    this.#forget();
    return true;
  }

  #forget(): void {
    if (this.#alarms.size <= ALARMS_MAX) return;
    const [oldest] = [...this.#alarms].toSorted(([, a], [, b]) => urgencyOf(a) - urgencyOf(b));
    if (oldest !== undefined) this.#alarms.delete(oldest[0]);
  }
}

function keyOf({ station, alarm }: Pick<BoardAlarm, 'station' | 'alarm'>): string {
  return `${station}/${alarm}`;
}

/** Those that stand last, then by age. */
function urgencyOf({ raisedMs, clearedMs }: BoardAlarm): number {
  return raisedMs > clearedMs ? Number.MAX_SAFE_INTEGER / 2 + raisedMs : clearedMs;
}
