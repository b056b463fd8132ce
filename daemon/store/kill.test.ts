import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseRecordId, runIdOf } from '../../protocol/ids.ts';
import { systemClock } from '../../runtime/clock.ts';
import { silentLog } from '../../runtime/log.ts';
import { SeededRandom, systemRandom } from '../../runtime/random.ts';
import { SteppedClock } from '../../sim/clock.ts';
import { LABEL, sample } from './fixtures/observations.ts';
import { unpacked } from './packing.ts';
import { openStoreReader } from './reader.ts';
import { SqliteStore } from './sqlite-store.ts';
import { LANES } from './store.ts';
import { StoreFile } from './store-file.ts';

interface Answered {
  readonly salt: string;
  readonly first: number;
  readonly last: number;
  readonly number: number;
}

type Message = {
  readonly opened?: { readonly salt: string; readonly previous?: string };
  readonly answered?: Answered;
};

const PROCESS = fileURLToPath(new URL('./fixtures/appending-process.ts', import.meta.url));
const KILLS = 6;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-kill-'));
  path = join(folder, 'store.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

test.each([
  [0, 1],
  [20, 2],
])(
  'with a linger of %d ms, what was answered before a kill is there, and no sequence is skipped',
  async (lingerMs, seed) => {
    const random = new SeededRandom(seed);
    const answered: Answered[] = [];
    const previous: (string | undefined)[] = [];
    for (let count = 0; count < KILLS; count += 1) {
      const number = 1 + Math.max(0, ...answered.map((append) => append.number)) + 100;
      const child = fork(PROCESS, [path, String(number), String(lingerMs)], { execArgv: [], stdio: 'inherit' });
      const enough = answered.length + 1 + random.integer(40);
      await new Promise<void>((resolve, reject) => {
        child.on('exit', (code) => reject(new Error(`the process ended by itself, with ${code}`)));
        child.on('message', (message: Message) => {
          if (message.opened !== undefined) previous.push(message.opened.previous);
          if (message.answered !== undefined) answered.push(message.answered);
          if (answered.length >= enough) resolve();
        });
      });
      await systemClock.sleep(random.uniform() * 10);
      child.removeAllListeners('exit');
      await kill(child);
    }

    const reader = openStoreReader(path);
    const runs = reader.runs();
    reader.close();
    expect(runs.length).toBe(KILLS);
    // Each start names the newest record that the one before had committed, answered or not.
    for (const [index, { run, last }] of runs.slice(0, -1).entries()) {
      expect(parseRecordId(previous[index + 1] as string)).toEqual({ run, sequence: last });
    }
    const rows = readAll();
    for (const { salt, first, last, number } of answered) {
      const run = runIdOf('plaka', Buffer.from(salt, 'hex'));
      expect(runs.find((one) => one.run === run)?.last).toBeGreaterThanOrEqual(last);
      for (let sequence = first; sequence <= last; sequence += 1) {
        expect(rows.get(`${salt} ${sequence}`)).toBe(number + sequence - first);
      }
    }
    const listed = readFileSync(`${path}.runs`, 'utf8').trimEnd().split('\n');
    expect(
      listed.slice(0, KILLS).map((line) => runIdOf('plaka', Buffer.from(line.split(' ')[2] as string, 'hex'))),
    ).toEqual(runs.map(({ run }) => run));
  },
);

/** `salt sequence` → number of every record, which a forwarder that was never there takes from the oldest on. */
function readAll(): Map<string, number> {
  const options = { path, gateway: 'plaka', budgetBytes: 2 ** 24, salt: new Uint8Array(16) };
  const store = new StoreFile({ ...options, forwarders: ['centre', 'witness'] });
  const rows = new Map<string, number>();
  const highest = new Map<string, number>();
  for (const lane of LANES) {
    for (;;) {
      const taken = store.take('witness', lane, { recordsMax: 1024, bytesMax: 2 ** 20 }, 0);
      if (taken === undefined) break;
      const salt = Buffer.from(taken.salt).toString('hex');
      for (const { sequence, metrics, info } of unpacked(taken, taken.sequences)) {
        expect(rows.has(`${salt} ${sequence}`)).toBe(false);
        rows.set(`${salt} ${sequence}`, Number(metrics.counter ?? info?.count));
        highest.set(salt, Math.max(highest.get(salt) ?? 0, sequence));
      }
    }
  }
  store.close();
  expect(rows.size).toBe([...highest.values()].reduce((sum, last) => sum + last, 0));
  return rows;
}

test('at any moment the disk has everything but what was appended within the linger', async () => {
  const clock = new SteppedClock();
  const lingerMs = 1000;
  const store = new SqliteStore({
    path,
    gateway: 'plaka',
    forwarders: ['centre'],
    budgetBytes: 2 ** 24,
    lingerMs,
    random: systemRandom,
    clock,
    log: silentLog,
    label: () => LABEL,
  });
  await store.open();
  const reader = openStoreReader(path);
  const appendedMs: number[] = [];
  for (let step = 0; step < 50; step += 1) {
    appendedMs.push(clock.monotonicMs());
    void store.append([sample(step)], { urgent: false });
    await clock.advance(130);
    // Everything that was due has been handed to the thread by now, which answers in order.
    await store.stats();
    const onDisk = reader.runs()[0]?.last ?? 0;
    const due = appendedMs.filter((ms) => ms <= clock.monotonicMs() - lingerMs).length;
    expect(onDisk).toBeGreaterThanOrEqual(due);
    expect(onDisk).toBeLessThanOrEqual(appendedMs.length);
  }
  reader.close();
  await store.close();
});
