/** The sampler as the daemon uses it: calibrations that change, flags, and what hears of a sample before its record. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AlarmSample } from '../../daemon/alarms/types.ts';
import type { QualityJudge } from '../../daemon/quality/types.ts';
import { ScriptedPolled, ScriptedPushed } from '../../sim/scripted-sensors.ts';
import { counter, never, SamplerStage, START, scripted, station } from '../sampler-stage.ts';

let stage: SamplerStage;
beforeEach(() => {
  stage = new SamplerStage();
});
afterEach(async () => {
  await stage.stop();
});

describe('a calibration', () => {
  const before = { id: 'a1', rawUnit: '°C', terms: { offset: -1 }, apply: (raw: number) => raw - 1 };
  const after = { id: 'a2', rawUnit: '°C', terms: { offset: 1 }, apply: (raw: number) => raw + 1 };
  const at = (timestampMs: number): typeof before => (timestampMs < START + 2500 ? before : after);

  it('stands in the source record of its metric, and again when another takes effect, before the first value of it', async () => {
    const sensor = scripted(counter('temperature'), ['temperature'], {
      calibrations: { temperature: { keepsRaw: false, at } },
    });
    await stage.start([station('s', [sensor])]);
    expect(stage.sampler?.sources().map(({ info }) => info)).toEqual([
      {
        ...{ event: 'source', metric: 'temperature', driver: 'scripted', unit: '°C' },
        ...{ raw_unit: '°C', calibration: { id: 'a1', offset: -1 } },
      },
    ]);
    await stage.clock.advance(4000);
    expect(
      stage.observations.map(({ kind, info, metrics }) => (kind === 'event' ? info?.calibration : metrics)),
    ).toEqual([
      { temperature: 0 },
      { temperature: 1 },
      { temperature: 2 },
      { id: 'a2', offset: 1 },
      { temperature: 5 },
      { temperature: 6 },
    ]);
  });
});

describe('a calibration that changes', () => {
  const before = { id: 'a1', rawUnit: '', terms: {}, apply: (raw: number) => raw };
  const after = { ...before, id: 'a2', apply: (raw: number) => -raw };
  const history = (changesMs: number) => ({
    keepsRaw: false,
    at: (timestampMs: number) => (timestampMs < START + changesMs ? before : after),
  });
  const told = (): unknown[] =>
    stage.observations.map(({ kind, info, metrics }) =>
      kind === 'event' ? { ...(info?.calibration as object) } : metrics,
    );

  it('while a record waits for a slow sensor is told behind that record', async () => {
    const slow = new ScriptedPolled(never);
    await stage.start([
      station('s', [
        scripted(counter('temperature'), ['temperature'], { calibrations: { temperature: history(500) } }),
        scripted(slow, ['humidity'], { deadlineMs: 1500 }),
      ]),
    ]);
    stage.sampler?.sources();
    await stage.clock.advance(1600);
    expect(stage.eventsOf('sensor_failed')).toHaveLength(1);
    expect(told()).toEqual([{}, { temperature: 1 }, { id: 'a2' }, { temperature: -2 }]);
  });

  it('while a value waits for its tick is told behind that value', async () => {
    const pushed = new ScriptedPushed();
    const calibrations = { temperature: history(1500), depth: history(1500) };
    await stage.start([station('s', [scripted(pushed, ['temperature', 'depth'], { calibrations })])]);
    stage.sampler?.sources();
    await stage.clock.advance(1200);
    pushed.say({ metrics: { temperature: 7 } });
    await stage.clock.advance(400);
    pushed.say({ metrics: { depth: 8 } });
    await stage.clock.advance(400);
    pushed.say({ metrics: { temperature: 9 } });
    await stage.clock.advance(1000);
    expect(told()).toEqual([{}, {}, { id: 'a2' }, { temperature: 7, depth: -8 }, { id: 'a2' }, { temperature: -9 }]);
  });
});

describe('a judged sample', () => {
  const judge: QualityJudge = {
    judge: ({ metrics, missing }) =>
      Object.fromEntries([
        ...missing.map((name) => [name, 9] as const),
        ...Object.keys(metrics).flatMap((name) => (metrics[name] === 2 ? [[name, 3] as const] : [])),
      ]),
  };

  it('carries its flags into the record, and is heard of when its own sensor has answered, before any record', async () => {
    const heard: (AlarmSample & { readonly records: number })[] = [];
    const pushed = new ScriptedPushed();
    const slow = new ScriptedPolled(never);
    await stage.start(
      [
        station('s', [
          scripted(counter('temperature'), ['temperature']),
          scripted(pushed, ['depth'], { staleMs: 1500 }),
          scripted(slow, ['humidity'], { deadlineMs: 800 }),
        ]),
      ],
      {
        judgeOf: () => judge,
        onSample: (sample) => heard.push({ ...sample, records: stage.samplesOf('s').length }),
      },
    );
    expect(heard).toEqual([{ station: 's', metrics: { temperature: 1 }, flags: {}, missing: [], records: 0 }]);
    pushed.say({ metrics: { depth: 2 } });
    await stage.clock.advance(3500);
    const about = (name: string): unknown[] =>
      heard
        .filter(({ metrics, missing }) => name in metrics || missing.includes(name))
        .map(({ metrics, flags }) => [metrics[name], flags[name]]);
    expect(about('temperature')).toEqual([
      [1, undefined],
      [2, 3],
      [3, undefined],
      [4, undefined],
    ]);
    expect(about('humidity')[0]).toEqual([undefined, 9]);
    expect(about('depth')).toEqual([
      [2, 3],
      [undefined, 9],
      [undefined, 9],
    ]);
    expect(stage.samplesOf('s').map(({ metrics, flags }) => [metrics, flags])).toEqual([
      [{ temperature: 1 }, { humidity: 9 }],
      [
        { temperature: 2, depth: 2 },
        { temperature: 3, depth: 3, humidity: 9 },
      ],
      [{ temperature: 3 }, { depth: 9, humidity: 9 }],
      [{ temperature: 4 }, { depth: 9, humidity: 9 }],
    ]);
  });
});
