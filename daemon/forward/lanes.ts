import { LANES, type Lane } from '../store/store.ts';

interface LaneState {
  /** False only when the store has said that there is nothing, and nothing was committed or released since. */
  mayHave: boolean;
  dueMs: number;
}

/** How often the store is asked although nobody said that there is something: rows age out of the live lane. */
const POLL_MS = 5000;

/**
 * When to ask the store for the next rows of each lane. The urgent lane is asked at once. The live lane gathers: the
 * stations of a gateway tick together, and one batch costs far fewer bytes than one for each; only a full batch is
 * followed by another at once. The backlog has no reason to wait.
 */
export class Lanes {
  readonly #gatherMs: number;
  readonly #states: Readonly<Record<Lane, LaneState>>;
  #pollMs: number;
  #notified = 0;

  constructor(gatherMs: number, nowMs: number) {
    this.#gatherMs = gatherMs;
    this.#states = {
      urgent: { mayHave: true, dueMs: nowMs },
      live: { mayHave: true, dueMs: nowMs },
      backlog: { mayHave: true, dueMs: nowMs },
    };
    this.#pollMs = nowMs + POLL_MS;
  }

  /** Counts what may have filled a lane again; to be handed to `empty`. */
  get notified(): number {
    return this.#notified;
  }

  /** Something was committed. */
  committed(nowMs: number): void {
    this.#notified += 1;
    this.#expect('urgent', nowMs);
    this.#expect('live', nowMs + this.#gatherMs);
  }

  /** Rows were given back: they may be in any lane. */
  released(nowMs: number): void {
    this.#notified += 1;
    for (const lane of LANES) this.#expect(lane, nowMs);
  }

  /** The store had nothing when it was asked; `notified` as it was then. */
  empty(lane: Lane, notified: number): void {
    if (notified === this.#notified) this.#states[lane].mayHave = false;
  }

  /** Rows were taken; `isFull`: as many as a batch may hold, so that there are more. */
  taken(lane: Lane, isFull: boolean, nowMs: number): void {
    if (lane === 'live' && !isFull) this.#states.live.dueMs = nowMs + this.#gatherMs;
  }

  /** When the lane is to be asked; infinite when there is nothing in it. */
  dueMs(lane: Lane, nowMs: number): number {
    if (nowMs >= this.#pollMs) {
      this.#pollMs = nowMs + POLL_MS;
      this.released(nowMs);
    }
    const { mayHave, dueMs } = this.#states[lane];
    return mayHave ? dueMs : this.#pollMs;
  }

  #expect(lane: Lane, dueMs: number): void {
    const state = this.#states[lane];
    if (!state.mayHave) state.dueMs = dueMs;
    state.mayHave = true;
  }
}
