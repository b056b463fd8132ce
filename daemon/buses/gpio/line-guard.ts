import type { Clock } from '../../../runtime/clock.ts';
import type { MooringError } from '../../../runtime/errors.ts';
import type { FoundLine } from './found-line.ts';
import { errorWords, type Level, SILENCE_MS, type WordFromGuard, type WordToGuard } from './guard-words.ts';
import type { LineHolder } from './line-holder.ts';

export interface GuardPlace {
  readonly clock: Clock;
  readonly holderOf: (line: string, found: FoundLine, safe: Level, onLost: (error: MooringError) => void) => LineHolder;
  /** To the daemon. */
  readonly tell: (word: WordFromGuard) => void;
}

/**
 * Holds the daemon's output lines and every timer of theirs: patterns, the longest time that something is switched on, and
 * how long the daemon has been silent. A daemon that is stopped or gone leaves nothing switched on.
 */
export class LineGuard {
  readonly #place: GuardPlace;
  readonly #lines = new Map<number, GuardedLine>();
  #cancelSilence: () => void = () => undefined;

  constructor(place: GuardPlace) {
    this.#place = place;
    this.#listen();
  }

  /** What the daemon says. */
  hear(word: WordToGuard): void {
    this.#listen();
    switch (word.word) {
      case 'beat':
        this.#place.tell({ word: 'beat' });
        return;
      case 'open':
        void this.#open(word);
        return;
      case 'play':
        this.#lines.get(word.id)?.play(word.pattern, word.limitMs);
        return;
      case 'rest':
        this.#lines.get(word.id)?.rest();
        return;
      case 'close':
        void this.#close(word.id);
        return;
    }
  }

  /** The daemon is gone: everything at its safe level, and given back. */
  async end(): Promise<void> {
    this.#cancelSilence();
    await Promise.all([...this.#lines.keys()].map((id) => this.#close(id)));
  }

  #listen(): void {
    this.#cancelSilence();
    this.#cancelSilence = this.#place.clock.after(SILENCE_MS, () => this.#silence());
  }

  #silence(): void {
    for (const [id, line] of this.#lines) {
      if (!line.isPlaying) continue;
      line.rest();
      this.#place.tell({ word: 'rested', id });
    }
  }

  async #open({ id, line, found, safe, on }: WordToGuard & { readonly word: 'open' }): Promise<void> {
    const fail = (error: MooringError): void => {
      // Lost and closed at once: whoever comes first tells.
      if (!this.#lines.delete(id)) return;
      guarded.stop();
      this.#place.tell({ word: 'failed', id, error: errorWords(error) });
    };
    const holder = this.#place.holderOf(line, found, safe, fail);
    const guarded = new GuardedLine(this.#place.clock, holder, safe, on);
    this.#lines.set(id, guarded);
    try {
      await guarded.taken();
      this.#place.tell({ word: 'opened', id });
    } catch (error) {
      fail(error as MooringError);
    }
  }

  async #close(id: number): Promise<void> {
    const line = this.#lines.get(id);
    this.#lines.delete(id);
    await line?.release();
    this.#place.tell({ word: 'closed', id });
  }
}

/** One line and what is played on it. */
class GuardedLine {
  readonly #clock: Clock;
  readonly #holder: LineHolder;
  readonly #safe: Level;
  readonly #on: Level;
  readonly #taking: Promise<void>;
  #cancelStep: (() => void) | undefined;
  #cancelLimit: (() => void) | undefined;
  #isPlaying = false;

  constructor(clock: Clock, holder: LineHolder, safe: Level, on: Level) {
    this.#clock = clock;
    this.#holder = holder;
    this.#safe = safe;
    this.#on = on;
    this.#taking = holder.take();
  }

  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  taken(): Promise<void> {
    return this.#taking;
  }

  play(pattern: readonly number[], limitMs: number | undefined): void {
    this.stop();
    this.#isPlaying = true;
    if (limitMs !== undefined) this.#cancelLimit = this.#clock.after(limitMs, () => this.rest());
    this.#step(pattern, 0);
  }

  rest(): void {
    this.stop();
    this.#holder.set(this.#safe);
  }

  /** No timer any more. */
  stop(): void {
    this.#cancelStep?.();
    this.#cancelLimit?.();
    this.#isPlaying = false;
  }

  async release(): Promise<void> {
    this.stop();
    await this.#taking.catch(() => undefined);
    await this.#holder.release();
  }

  #step(pattern: readonly number[], index: number): void {
    this.#holder.set(index % 2 === 0 ? this.#on : this.#off);
    const durationMs = pattern[index];
    if (durationMs === undefined) return;
    this.#cancelStep = this.#clock.after(durationMs, () => this.#step(pattern, (index + 1) % pattern.length));
  }

  get #off(): Level {
    return this.#on === 1 ? 0 : 1;
  }
}
