/** The verbs as processes: exit statuses, what goes to which stream, signals. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askGateway } from '../../cli/control.ts';
import { freeLoopbackPort } from '../../cli/demo/folder.ts';
import { systemClock } from '../../runtime/clock.ts';
import { eventually, type Program, Programs } from '../processes.ts';
import { MAIN, mooring } from './mooring.ts';

const START_MS = 20_000;
const STOP_MS = 5000;

let folder = '';
let programs: Programs;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mooring-cli-'));
  programs = new Programs();
});
afterEach(async () => {
  await programs.end();
  rmSync(folder, { recursive: true, force: true });
});

const CITY = '{ name: city, every: 1s, sensors: [{ driver: sim, profile: city, seed: 7 }] }';
const ABSENT = '{ name: gps, sensors: [{ driver: nmea0183, port: /dev/absent }] }';

function gatewayFile(stations: string, port: number = 1): string {
  const forward = `{ centre: { mqtt: { url: mqtt://127.0.0.1:${port} } } }`;
  const text = `gateway: plaka\nstations: [${stations}]\nstore: { path: store.db }\nforward: ${forward}\n`;
  writeFileSync(join(folder, 'gateway.yaml'), text);
  return 'gateway.yaml';
}

function centralFile(port: number): string {
  const sinks = '{ archive: { files: { path: records } } }';
  const text = `ingest: { mqtt: { listen: 127.0.0.1:${port} } }\nsinks: ${sinks}\nstate: central\n`;
  writeFileSync(join(folder, 'central.yaml'), text);
  return 'central.yaml';
}

function start(verb: string, file: string): Program {
  return programs.start({ name: verb, command: process.execPath, args: [MAIN, verb, '-c', join(folder, file)] });
}

describe('mooring run', () => {
  it('ends with 0 after SIGTERM, and within five seconds, with neither sensor nor broker', async () => {
    const gateway = start('run', gatewayFile(`${CITY}, ${ABSENT}`));
    await gateway.says('the gateway runs', START_MS);
    const startedMs = systemClock.monotonicMs();
    expect(await gateway.stop()).toBe(0);
    expect(systemClock.monotonicMs() - startedMs).toBeLessThan(STOP_MS);
    expect(gateway.lines.at(-1)?.msg).toBe('the gateway has stopped');
  });

  it('ends with 2 and every error of its configuration, and touches nothing', () => {
    writeFileSync(join(folder, 'bad.yaml'), 'gateway: Plaka\nstations: []\nstore: { path: store.db }\ncolour: red\n');
    const { status, stdout, stderr } = mooring(['run', '-c', 'bad.yaml'], folder);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^bad\.yaml:1:10 gateway: .*\nbad\.yaml:2:11 stations: .*\nbad\.yaml:4:1 colour: .*\n$/);
    expect(existsSync(join(folder, 'store.db'))).toBe(false);
  });

  it('ends with 3 and one line when its store is in use', async () => {
    const file = gatewayFile(CITY);
    const gateway = start('run', file);
    await gateway.says('the gateway runs', START_MS);
    const { status, stderr } = mooring(['run', '-c', file], folder);
    expect(status).toBe(3);
    expect(stderr).toMatch(/^mooring: another process has the store open .*\n$/);
    gateway.mustRun();
  });

  it('ends with 2 and says what to do when the store is still owed under another name', async () => {
    const file = gatewayFile(CITY);
    const gateway = start('run', file);
    await gateway.says('the gateway runs', START_MS);
    await gateway.stop();
    writeFileSync(join(folder, 'other.yaml'), `gateway: other\nstations: [${CITY}]\nstore: { path: store.db }\n`);
    const { status, stderr } = mooring(['run', '-c', 'other.yaml'], folder);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^mooring: .*plaka.*\n$/);
  });
});

describe('mooring central', () => {
  it('ends with 0 after SIGTERM, also while it waits for the folder of another one', async () => {
    const centre = start('central', centralFile(await freeLoopbackPort()));
    await centre.says('the embedded broker listens', START_MS);
    const standby = start('central', 'central.yaml');
    await standby.says('another process writes here: standing by', START_MS);
    expect(await standby.stop(STOP_MS)).toBe(0);
    expect(await centre.stop(STOP_MS)).toBe(0);
  });
});

describe('mooring read', () => {
  it('ends with 0 and a table when every sensor answers, with 1 and a line on each that does not', () => {
    const file = gatewayFile(`${CITY}, ${ABSENT}`);
    const one = mooring(['read', '-c', file, 'city'], folder);
    expect([one.status, one.stderr]).toEqual([0, '']);
    expect(one.stdout).toMatch(/^city {2}\d{4}-\d\d-\d\dT.*Z {2}clock /);
    expect(one.stdout).toMatch(/\n {2}temperature +\d+\.\d\d °C\n/);

    const both = mooring(['read', '-c', file, '--json'], folder);
    expect(both.status).toBe(1);
    expect(both.stderr).toMatch(/^mooring: sensor nmea0183 of gps: PORT_ABSENT: /);
    const { records } = JSON.parse(both.stdout) as { records: Record<string, unknown>[] };
    expect(records).toMatchObject([
      { gateway: 'plaka', station: 'city', kind: 'sample', temperature: expect.any(Number) },
      { gateway: 'plaka', station: 'gps', kind: 'sample', flags: { depth: 9 } },
    ]);
    expect(records[0]).not.toHaveProperty('received_at');
  });

  it('asks the gateway where one is running, and gives its newest records under their ids', async () => {
    const file = gatewayFile(CITY);
    const gateway = start('run', file);
    const { run } = await gateway.says('the gateway runs', START_MS);
    const path = `${join(folder, 'store.db')}.sock`;
    await eventually('there is a record', START_MS, async () => {
      const { records } = await askGateway(path, 'read', systemClock);
      return (records as unknown[]).length > 0;
    });
    const { status, stdout } = mooring(['read', '-c', file, '--json'], folder);
    expect(status).toBe(0);
    const { records } = JSON.parse(stdout) as { records: { id: string }[] };
    expect(records.map(({ id }) => id.slice(0, 23))).toEqual([run]);
  });

  it('ends with 2 for a station that is not there, and names those that are', () => {
    const { status, stderr } = mooring(['read', '-c', gatewayFile(CITY), 'cty'], folder);
    expect(status).toBe(2);
    expect(stderr).toBe('gateway.yaml: has no station cty. Did you mean `city`? There are: city.\n');
  });
});

describe('the command', () => {
  it('ends quietly when nobody reads on', async () => {
    const child = spawn(process.execPath, [MAIN, 'schema'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let complaint = '';
    child.stderr.on('data', (bytes: Buffer) => (complaint += bytes.toString()));
    const [status] = (await once(child, 'close')) as [number | null];
    expect({ status, complaint }).toEqual({ status: 0, complaint: '' });
  });
});
