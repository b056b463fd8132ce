import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BuoyJsonFormat } from '../../central/formats/buoy-json/buoy-json.ts';
import { TimeZone } from '../../central/formats/time-zone.ts';
import { ForeignIntake } from '../../central/ingest/foreign/foreign-intake.ts';
import { UdpSource } from '../../central/ingest/foreign/udp-source.ts';
import type { FlatRecord } from '../../central/recordlog/recordlog.ts';
import { FilesSink } from '../../central/sinks/files/files.ts';
import { runCentralHeard } from '../../cli/central-heard.ts';
import type { HeardReport } from '../../cli/central-talk/judge.ts';
import { runCentralTalk, type TalkReport } from '../../cli/central-talk.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { eventually } from '../processes.ts';

const SOON_MS = 15_000;
const MESSAGES = 300;
const login = {
  ...{ caFile: undefined, certFile: undefined, keyFile: undefined, user: undefined, passwordFile: undefined },
};
const never = new AbortController().signal;

test('what devices have said over a poor link is in the files of the sink, once, though the log is read twice; what is taken away is missed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-heard-'));
  const [truth, records] = [join(folder, 'truth'), join(folder, 'records')];
  const log: FlatRecord[] = [];
  const common = { source: 'meteo', clock: systemClock, log: silentLog };
  const intake = new ForeignIntake({
    ...common,
    format: new BuoyJsonFormat({ zone: new TimeZone('Europe/Paris') }),
    recordLog: { append: async (entries) => entries.map(({ flat }) => ({ partition: 0, offset: log.push(flat) - 1 })) },
    letters: { append: async () => undefined },
    dedupeMs: 60_000,
    bytesMax: 2 ** 20,
  });
  const listen = { host: '127.0.0.1', port: 0 };
  const source = new UdpSource({ ...common, listen, datagramBytesMax: 1024, isReplying: false, intake });
  const sinkOptions = { name: 'archive', path: records, layout: 'user', clock: systemClock, log: silentLog } as const;
  const sink = new FilesSink({ ...sinkOptions, commitIntervalMs: 5, gatherMs: 1 });
  const heard = async (): Promise<{ status: number; report: HeardReport }> => {
    let out = '';
    const status = await runCentralHeard(truth, records, { json: true }, { write: (text) => (out += text) });
    return { status, report: JSON.parse(out) as HeardReport };
  };
  try {
    await source.open(never);
    await sink.open(never);
    let out = '';
    await runCentralTalk(
      'buoy-json',
      {
        ...{ to: new URL(`udp://127.0.0.1:${source.status().address?.port}`), broker: login, truth, json: true },
        ...{ seed: 7, speed: 1, rate: 2000, startMs: systemClock.wallMs() - 7_200_000 },
        ...{ count: MESSAGES, loss: 0.1, duplicates: 0.1, reorder: 0.1, malformed: 0.1 },
      },
      {
        ...{ clock: systemClock, pid: 1, stop: never },
        streams: { out: { write: (text) => (out += text) }, err: { write: () => undefined } },
      },
    );
    const { messages, lost, malformed } = JSON.parse(out) as TalkReport;
    const sound = messages - lost - malformed;
    await eventually('the source has them', SOON_MS, () => log.length >= sound);
    for (let reading = 0; reading < 2; reading += 1) {
      await sink.write(
        [],
        undefined,
        log.map((flat) => ({ flat })),
      );
    }
    expect(await heard()).toMatchObject({
      status: 0,
      report: { ok: true, expected: sound, found: sound, missing_count: 0, repeated: 0, unexpected_count: 0 },
    });
    const [file] = (readdirSync(records, { recursive: true }) as string[]).filter((name) => name.endsWith('.ndjson'));
    rmSync(join(records, file as string));
    const without = await heard();
    expect(without).toMatchObject({ status: 1, report: { ok: false, expected: sound, repeated: 0 } });
    expect(without.report.missing_count).toBe(sound - without.report.found);
    expect(without.report.missing_count).toBeGreaterThan(0);
  } finally {
    await source.close();
    await sink.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
