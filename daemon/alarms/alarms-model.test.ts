/**
 * Alarms against a model that is written to be obviously right: it keeps everything that was ever seen, and works out what
 * holds by looking back over all of it. It knows no timers, no state machine and no sliding window.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Flag } from '../../protocol/record.ts';
import { AlarmStage, actuatorOf, alarmOf, sampleOf } from '../../test/alarm-stage.ts';
import type { AlarmCondition, AlarmSettings, MetricCondition } from './settings.ts';

/** Everything happens on this grid. */
const STEP_MS = 500;

type Seen = { readonly value: number | 'missing'; readonly flag: Flag };
type Input = {
  /** What is not in it was not due. */
  readonly sample: Readonly<Record<string, Seen>>;
  readonly act: 'ack' | 'silence' | 'restart' | undefined;
};
type Side = 'begins' | 'between' | 'ends';
const ANY: readonly Side[] = ['begins', 'between', 'ends'];

/** Something that has been, in order. */
type Moment =
  | { readonly what: 'start' | 'passed'; readonly atMs: number }
  | { readonly what: 'sample'; readonly atMs: number; readonly sample: Readonly<Record<string, Seen>> };

class Model {
  readonly #settings: AlarmSettings;
  /** Since the last start. */
  #past: Moment[] = [];
  /** Since when the newest change of `#isActive` is behind: what was before does not count. */
  #flipped = 0;
  #isActive = false;
  readonly log: { readonly event: string; readonly atMs: number; readonly untilMs?: number }[] = [];

  constructor(settings: AlarmSettings) {
    this.#settings = settings;
    this.start(0);
  }

  start(atMs: number): void {
    this.#past = [{ what: 'start', atMs }];
    this.#flipped = 0;
  }

  pass(atMs: number): void {
    this.#past.push({ what: 'passed', atMs });
    this.#settle(atMs);
  }

  see(sample: Readonly<Record<string, Seen>>, atMs: number): void {
    this.#past.push({ what: 'sample', atMs, sample });
    this.#settle(atMs);
  }

  acknowledge(atMs: number): void {
    if (!this.#stands() || this.#isKnown()) return;
    this.log.push({ event: 'acknowledged', atMs });
    if (!this.#isActive) this.log.push({ event: 'cleared', atMs });
  }

  silence(atMs: number): void {
    if (!this.#stands() || this.#isKnown()) return;
    this.log.push({ event: 'silenced', atMs, untilMs: atMs + this.#settings.silenceMs });
  }

  /** Actuators that play. */
  playing(): string[] {
    if (!this.#sounds()) return [];
    const steps = this.#settings.escalation.slice(0, this.#count('escalated'));
    return [...this.#settings.actuators, ...steps.flatMap(({ actuators }) => actuators)].sort();
  }

  state(): string {
    if (!this.#stands()) return this.#since('begins') === undefined ? 'normal' : 'pending';
    if (this.#isKnown()) return 'acknowledged';
    return this.#isActive ? 'raised' : 'latched';
  }

  #settle(atMs: number): void {
    const wanted = this.#isActive ? 'ends' : 'begins';
    const sinceMs = this.#since(wanted);
    const delayMs = this.#isActive ? this.#settings.clearAfterMs : this.#settings.afterMs;
    if (sinceMs !== undefined && this.#isAt(wanted, this.#past.length) === true && atMs - sinceMs >= delayMs) {
      this.#isActive = !this.#isActive;
      this.#flipped = this.#past.length;
      if (this.#isActive && !this.#stands()) this.log.push({ event: 'raised', atMs });
      if (!this.#isActive && (this.#isKnown() || !this.#settings.isLatched)) this.log.push({ event: 'cleared', atMs });
    }
    const silence = this.#silence();
    if (silence !== undefined && atMs >= silence) this.log.push({ event: 'unsilenced', atMs });
    for (const step of this.#settings.escalation.slice(this.#count('escalated'))) {
      if (this.#sounds() && atMs - this.#raisedMs() >= step.afterMs) this.log.push({ event: 'escalated', atMs });
    }
  }

  /** The first moment of an unbroken row of this side up to now, in which what is unknown breaks nothing. */
  #since(wanted: Side): number | undefined {
    let sinceMs: number | undefined;
    for (let length = this.#past.length; length > this.#flipped; length -= 1) {
      const is = this.#isAt(wanted, length);
      if (is === undefined) continue;
      if (!is) break;
      sinceMs = (this.#past[length - 1] as Moment).atMs;
    }
    return sinceMs;
  }

  /** Whether it was so when so much had been; undefined where what is unknown decides. */
  #isAt(wanted: Side, length: number): boolean | undefined {
    const past = this.#past.slice(0, length);
    const sides = this.#settings.condition.tests.map((each) => this.#sidesOf(each, past));
    const answers = completed(sides).map((whole) => combined(this.#settings.condition.when, whole) === wanted);
    if (answers.every((answer) => answer === answers[0])) return answers[0];
    return undefined;
  }

  /** Everything that it may be. */
  #sidesOf({ metric, test: looked }: MetricCondition, past: readonly Moment[]): readonly Side[] {
    const nowMs = (past.at(-1) as Moment).atMs;
    const startMs = (past[0] as Moment).atMs;
    const seen = past.flatMap((moment) => {
      const one = moment.what === 'sample' ? moment.sample[metric] : undefined;
      if (one === undefined) return [];
      const isFit = one.value !== 'missing' && !(this.#settings.isForGoodOnly && one.flag >= 3);
      return [{ atMs: moment.atMs, flag: one.flag, value: isFit ? (one.value as number) : undefined }];
    });
    const values = seen.flatMap(({ atMs, value }) => (value === undefined ? [] : [{ atMs, value }]));
    if (looked.kind === 'stale') {
      const isFresh = values.some(({ atMs }) => nowMs - atMs < looked.forMs);
      if (isFresh) return ['ends'];
      return nowMs - Math.max(startMs, ...values.map(({ atMs }) => atMs)) >= looked.forMs ? ['begins'] : ['between'];
    }
    const last = seen.at(-1);
    if (last?.value === undefined) return ANY;
    const { value } = last;
    switch (looked.kind) {
      case 'above':
        return [value > looked.limit ? 'begins' : value > looked.clear ? 'between' : 'ends'];
      case 'below':
        return [value < looked.limit ? 'begins' : value < looked.clear ? 'between' : 'ends'];
      case 'flag':
        return [last.flag >= looked.from ? 'begins' : 'ends'];
      case 'is':
        return ['ends'];
      default: {
        const window = values.filter(({ atMs }) => last.atMs - atMs <= looked.withinMs);
        const changes = window.map((each) => (looked.kind === 'rises' ? value - each.value : each.value - value));
        if (changes.some((change) => change >= looked.by)) return ['begins'];
        // Until a whole window has been seen nobody knows whether it has ended.
        return last.atMs - startMs >= looked.withinMs ? ['ends'] : ['between', 'ends'];
      }
    }
  }

  #raisedMs(): number {
    return this.log.findLast(({ event }) => event === 'raised')?.atMs ?? Number.NaN;
  }

  #life(): typeof this.log {
    return this.log.slice(this.log.findLastIndex(({ event }) => event === 'raised'));
  }

  #count(event: string): number {
    return this.#life().filter((each) => each.event === event).length;
  }

  #stands(): boolean {
    return this.#count('raised') > 0 && this.#count('cleared') === 0;
  }

  #isKnown(): boolean {
    return this.#count('acknowledged') > 0;
  }

  /** Until when it is silenced. */
  #silence(): number | undefined {
    if (!this.#stands() || this.#isKnown()) return undefined;
    return this.#life().findLast(({ event }) => event === 'silenced' || event === 'unsilenced')?.untilMs;
  }

  #sounds(): boolean {
    return this.#stands() && !this.#isKnown() && this.#silence() === undefined;
  }
}

/** Everything that several may be, each of which may be some things. */
function completed(sides: readonly (readonly Side[])[]): Side[][] {
  const [first, ...others] = sides;
  if (first === undefined) return [[]];
  return completed(others).flatMap((rest) => first.map((side) => [side, ...rest]));
}

function combined(when: 'all' | 'any', sides: readonly Side[]): Side {
  const [strict, lax] = when === 'all' ? (['begins', 'ends'] as const) : (['ends', 'begins'] as const);
  if (sides.every((side) => side === strict)) return strict;
  return sides.includes(lax) ? lax : 'between';
}

const number = fc.integer({ min: 0, max: 8 });
const ms = (max: number) => fc.integer({ min: 0, max }).map((steps) => steps * STEP_MS);
const someMs = (max: number) => fc.integer({ min: 1, max }).map((steps) => steps * STEP_MS);

const looked = fc.oneof(
  fc.tuple(number, number).map(([a, b]) => ({ kind: 'above' as const, limit: Math.max(a, b), clear: Math.min(a, b) })),
  fc.tuple(number, number).map(([a, b]) => ({ kind: 'below' as const, limit: Math.min(a, b), clear: Math.max(a, b) })),
  fc.record({
    kind: fc.constantFrom('rises' as const, 'falls' as const),
    by: fc.integer({ min: 1, max: 6 }),
    withinMs: someMs(8),
  }),
  fc.record({ kind: fc.constant('stale' as const), forMs: someMs(8) }),
  fc.record({ kind: fc.constant('flag' as const), from: fc.constantFrom(3 as const, 4 as const) }),
);

const METRICS = ['a', 'b', 'c'];
const condition = fc.oneof(
  looked.map((one): AlarmCondition => ({ when: 'all', tests: [{ metric: 'a', test: one }] })),
  fc.tuple(fc.constantFrom('all' as const, 'any' as const), fc.array(looked, { minLength: 2, maxLength: 3 })).map(
    ([when, tests]): AlarmCondition => ({
      when,
      tests: tests.map((one, index) => ({ metric: METRICS[index] as string, test: one })),
    }),
  ),
);

const settings = fc
  .record({
    condition,
    isForGoodOnly: fc.boolean(),
    afterMs: ms(4),
    clearAfterMs: ms(4),
    isLatched: fc.boolean(),
    silenceMs: someMs(6),
    escalation: fc.constantFrom(
      [],
      [{ afterMs: 1500, actuators: ['siren'] }],
      [
        { afterMs: 1000, actuators: ['siren'] },
        { afterMs: 2000, actuators: ['lamp'] },
      ],
    ),
  })
  .map((keys) => alarmOf({ kind: 'stale', forMs: 1 }, keys));

const seen = fc.record({
  value: fc.oneof({ weight: 5, arbitrary: number }, { weight: 1, arbitrary: fc.constant('missing' as const) }),
  flag: fc.constantFrom<Flag>(1, 1, 2, 3, 4),
});
const sample = fc
  .record({ a: seen, b: seen, c: seen }, { requiredKeys: [] })
  .map((each) => Object.fromEntries(Object.entries(each).map(([name, one]) => [name, one as Seen])));
const act = fc.oneof(
  { weight: 9, arbitrary: fc.constant(undefined) },
  { weight: 2, arbitrary: fc.constantFrom('ack' as const, 'silence' as const, 'silence' as const) },
  { weight: 1, arbitrary: fc.constant('restart' as const) },
);
/** Values stay for a while, or no delay would ever end. */
const inputs = fc
  .array(fc.tuple(sample, act, fc.integer({ min: 1, max: 5 })), { maxLength: 16, size: 'max' })
  .map((parts) =>
    parts.flatMap(([seenNow, acted, times]): Input[] =>
      Array.from({ length: times }, (_, index) => ({ sample: seenNow, act: index === 0 ? acted : undefined })),
    ),
  );

const actuators = ['buzzer', 'siren', 'lamp'].map((name) => actuatorOf(name));

test('alarms do what a model says that looks back over everything: delays, hysteresis, latch, acknowledgement, silence, escalation, missing values, restarts', async () => {
  const reached = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(settings, inputs, async (alarm, series) => {
      const staged = { alarms: [alarm], actuators };
      const stage = await AlarmStage.start(staged);
      const model = new Model(alarm);
      for (const [index, { sample: seenNow, act }] of series.entries()) {
        const nowMs = (index + 1) * STEP_MS;
        await stage.clock.advance(STEP_MS);
        model.pass(nowMs);
        check(stage, model, `${nowMs} ms passed`);
        stage.alarms.sampled(sampleOfSeen(seenNow));
        model.see(seenNow, nowMs);
        check(stage, model, `seen at ${nowMs} ms`);
        if (act === undefined) continue;
        if (act === 'ack') {
          stage.alarms.acknowledge({});
          model.acknowledge(nowMs);
        } else if (act === 'silence') {
          stage.alarms.silence({});
          model.silence(nowMs);
        } else {
          await stage.alarms.stop();
          await stage.startAgain(staged);
          model.start(nowMs);
        }
        check(stage, model, `${act} at ${nowMs} ms`);
      }
      for (const { event } of model.log) reached.set(event, (reached.get(event) ?? 0) + 1);
    }),
    { numRuns: 400 },
  );
  // A model that never raises anything would agree with alarms that do nothing.
  for (const event of ['raised', 'cleared', 'acknowledged', 'silenced', 'unsilenced', 'escalated']) {
    expect(reached.get(event) ?? 0, event).toBeGreaterThan(10);
  }
}, 60_000);

function check(stage: AlarmStage, model: Model, when: string): void {
  const events = stage.records.map(({ info }) => info?.event);
  expect(events, when).toEqual(model.log.map(({ event }) => event));
  expect(stage.alarms.status().alarms[0]?.state, when).toBe(model.state());
  const playing = actuators.map(({ name }) => name).filter((name) => stage.output(name).plays);
  expect(playing.sort(), when).toEqual(model.playing());
}

function sampleOfSeen(each: Readonly<Record<string, Seen>>) {
  const entries = Object.entries(each);
  return sampleOf(
    Object.fromEntries(entries.map(([name, { value }]) => [name, value])),
    Object.fromEntries(entries.filter(([, { flag }]) => flag !== 1).map(([name, { flag }]) => [name, flag])),
  );
}
