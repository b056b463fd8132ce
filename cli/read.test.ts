import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SeededRandom } from '../runtime/random.ts';
import { SteppedClock } from '../sim/clock.ts';
// Loaded when it is wanted, which would take steps of the clock.
import '../sim/pi/simulated-machine.ts';
import type { Host } from './host.ts';
import { runRead } from './read.ts';

test('a sensor that is not ready yet is no failure, and says what it waits for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mooring-read-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'mooring.yaml');
  const sensor = '{ driver: pms5003, port: /dev/serial/by-id/dust }';
  writeFileSync(file, `gateway: g\nstations: [{ name: a, sensors: [${sensor}] }]\nstore: { path: store.db }\n`);
  const clock = new SteppedClock();
  const said = { out: '', err: '' };
  const host: Host = {
    clock,
    random: new SeededRandom(1),
    version: '0',
    env: {},
    pid: 1,
    stop: new AbortController().signal,
    streams: { out: { write: (text) => (said.out += text) }, err: { write: (text) => (said.err += text) } },
    exits: new EventEmitter(),
  };
  const options = { json: false, simulate: true };
  let status: number | undefined;
  const reading = runRead(file, options, host).then((exit) => (status = exit));
  for (let step = 0; step < 2000 && status === undefined; step += 1) {
    await clock.advance(50);
    // Files are read, too.
    await new Promise((wake) => setImmediate(wake));
  }
  expect(clock.monotonicMs()).toBeLessThan(100_000);
  await reading;
  expect(status).toBe(0);
  expect(said.out).toMatch(/pm10 +– +missing\n/);
  expect(said.err).toBe(
    'mooring: sensor pms5003 of a: warming up: no value is stable in the first 30 s after its fan was started\n',
  );
});
