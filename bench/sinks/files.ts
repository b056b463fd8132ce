import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FilesSink } from '../../central/sinks/files/files.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import type { SinkBench } from './sink-bench.ts';

export const files: SinkBench = {
  name: 'files',
  batches: [1000, 5000, 20_000],
  records: 20_000,
  turns: 7,
  async open(folder) {
    const shared = { clock: systemClock, log: silentLog };
    const path = join(folder, 'ours');
    const sink = new FilesSink({ ...shared, name: 'ours', path, commitIntervalMs: 0, gatherMs: 0 });
    await sink.open(new AbortController().signal);
    return {
      async write(records) {
        const [first] = records;
        if (first?.place === undefined) return [];
        const { run } = first.place;
        const ofRun = records.map(({ flat, json, place }) => ({ sequence: place?.sequence ?? 0, flat, json }));
        await sink.write([{ gateway: first.flat.gateway, run, records: ofRun }]);
        return [];
      },
      async writeByHand(records) {
        const texts = new Map<string, string>();
        for (const { flat, json } of records) {
          const [year, month, day, hour] = flat.timestamp.split(/[-T:]/);
          const file = join(folder, 'hand', `${year}/${month}/${day}/${hour}.ndjson`);
          texts.set(file, `${texts.get(file) ?? ''}${json}\n`);
        }
        for (const [file, text] of texts) await appended(file, text);
      },
      close: () => sink.close(),
    };
  },
};

async function appended(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const handle = await open(file, 'a');
  await handle.write(text);
  await handle.datasync();
  await handle.close();
}
