/**
 * The image of deploy/Dockerfile, and the core of deploy/compose.yaml run from images, without an engine of containers. The bases
 * and the images of others are made here from packages: no registry is asked.
 */
import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AuditReport, audit } from '../../cli/audit.ts';
import { eventually, type Program, Programs } from '../processes.ts';
import { buildBases, buildOwn, imagesFolder } from './images/bases.ts';
import { Composed } from './images/composed.ts';
import { Podman } from './images/podman.ts';
import { Tier } from './images/tier.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DEPLOY = join(ROOT, 'deploy');
const NAME = 'mooring-images';
/** A first build gets everything from Debian and npm. */
const BUILD_MS = 1_200_000;
const SIZE_MAX_BYTES = 500e6;
const SOON_MS = 120_000;
/** Grafana is in no package. */
const CORE = ['mosquitto', 'kafka-1', 'ingest-1', 'ingest-2', 'bridge', 'sink-archive', 'alertmanager', 'prometheus'];
/** Of the folders that Compose mounts, as its variables have it when nobody sets them. */
const OWNER = 990;
/** Nobody is there: no alert is sent here. */
const WEBHOOK = 'http://127.0.0.1:9095/alerts';
const GATEWAY = `gateway: plaka
stations:
  - { name: city-1, every: 50ms, sensors: [{ driver: sim, profile: city }] }
store: { path: store.db }
`;

let folder: string;
let podman: Podman;
let composed: Composed;
const imageOf = (service: string): string => composed.service(service).image;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), `${NAME}-`));
  podman = new Podman(imagesFolder(), NAME);
  await podman.open();
  composed = new Composed(join(DEPLOY, 'compose.yaml'), {
    MOORING_AUTHORITY: join(folder, 'authority'),
    MOORING_SECRETS: join(folder, 'secrets'),
  });
  await buildBases(podman, imageOf);
  await buildOwn(podman, imageOf('ingest-1'));
}, BUILD_MS);
afterAll(() => {
  podman.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the image of the Dockerfile', () => {
  const inside = async (...command: readonly string[]): Promise<string> =>
    (await podman.must('run', '--rm', '--read-only', '--entrypoint', '', imageOf('ingest-1'), ...command)).trim();

  test('is small, and root in it is nobody', async () => {
    const size = Number(await podman.must('inspect', '--format', '{{.Size}}', imageOf('ingest-1')));
    console.info(`${imageOf('ingest-1')}: ${Math.round(size / 1e6)} MB`);
    expect(size).toBeLessThan(SIZE_MAX_BYTES);
    expect(await inside('id', '-u')).toBe('990');
  });

  test('has the command and what it calls, and neither compiler nor sources nor secrets', async () => {
    expect(await inside('mooring', '--version')).toMatch(/^\d+\.\d+\.\d+$/);
    expect(await inside('openssl', 'version')).toMatch(/^OpenSSL 3/);
    expect(await inside('sh', '-c', 'command -v gpioset')).toMatch(/gpioset/);
    expect(await inside('sh', '-c', 'command -v gcc python3 || ls /opt/mooring')).toBe(
      'LICENSE\nbin\ndist\nnode_modules\npackage.json',
    );
    const native =
      'new (require("better-sqlite3"))(":memory:"); require("i2c-bus"); require("koffi"); require("serialport")';
    expect(await inside('sh', '-c', `cd /opt/mooring && node -e '${native}' && echo loaded`)).toBe('loaded');
  });
});

describe('the core of Compose, from images', { timeout: 300_000 }, () => {
  let tier: Tier;
  let programs: Programs;
  let gateway: Program;
  let records: string;
  const store = (): string => join(folder, 'store.db');
  const audited = async (): Promise<AuditReport> => await audit(records, { store: store() });
  /** Whether it can be read yet. */
  const hasStore = (): boolean => gateway.lines.some(({ msg }) => msg === 'the gateway runs');
  const countOf = ({ runs }: AuditReport): number => runs.reduce((sum, run) => sum + run.records, 0);

  beforeAll(async () => {
    writeSecrets();
    programs = new Programs();
    tier = new Tier(podman, composed, NAME);
    await tier.open();
    await enroll('plaka');
  });
  /** What was said, where something has not come. */
  async function told<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      const logs = await Promise.all(CORE.map(async (name) => `${name}:\n${await tier.log(name)}`));
      throw new Error(`${(cause as Error).message}\n${programs.tails()}\n${logs.join('\n')}`, { cause });
    }
  }
  afterAll(async () => {
    await programs.end();
    await tier.close();
  });

  /** As docs/deploying.md says. */
  function writeSecrets(): void {
    mkdirSync(join(folder, 'secrets'), { mode: 0o750 });
    for (const name of ['metrics-token', 'alert-webhook']) {
      const path = join(folder, 'secrets', name);
      writeFileSync(path, name === 'alert-webhook' ? `${WEBHOOK}\n` : `${randomBytes(24).toString('hex')}\n`, {
        mode: 0o640,
      });
      chownSync(path, OWNER, OWNER);
    }
  }

  /** With the image, as who owns the folder. */
  async function enroll(name: string): Promise<void> {
    const authority = join(folder, 'authority');
    mkdirSync(authority, { recursive: true });
    chownSync(authority, OWNER, OWNER);
    const place = ['--host', '127.0.0.1', '--also', 'mosquitto', '--folder', '/authority'];
    const container = [
      '--rm',
      '--network=none',
      '--read-only',
      '--cap-drop=ALL',
      '--volume',
      `${authority}:/authority`,
    ];
    await podman.must('run', ...container, imageOf('ingest-1'), 'central', 'enroll', name, ...place);
  }

  test('every health check of it fails where the service does not run', async () => {
    for (const name of CORE) {
      const { status, output } = await tier.checkAlone(name);
      expect([name, status === 0], output).toEqual([name, false]);
    }
  });

  test('each is healthy in the order in which Compose starts them', async () => {
    for (const name of CORE) console.info(`${name}: healthy after ${Math.round(await tier.up(name))} ms`);
    records = join(
      (await podman.must('volume', 'inspect', '--format', '{{.Mountpoint}}', 'records')).trim(),
      'records',
    );
    for (const name of CORE) expect([name, (await tier.check(name)).status]).toEqual([name, 0]);
  });

  test('none of them is root, may do what root may, or can write beside its volumes; the authority’s key is in none', async () => {
    for (const name of CORE) {
      const status = await podman.must('exec', name, 'cat', '/proc/1/status');
      expect([name, /^Uid:\t(\d+)/m.exec(status)?.[1]]).not.toEqual([name, '0']);
      expect([name, /^CapEff:\t(\w+)/m.exec(status)?.[1]]).toEqual([name, '0000000000000000']);
      expect([name, /^NoNewPrivs:\t(\d)/m.exec(status)?.[1]]).toEqual([name, '1']);
      expect([name, (await podman.run('exec', name, 'touch', '/etc/x', '/x')).status]).toEqual([name, 1]);
    }
    const keys = await podman.must('exec', 'mosquitto', 'sh', '-c', 'cd /authority; ls; ls /authority/*/*.key');
    expect(keys).not.toMatch(/ca\.key|gateways$/m);
  });

  test('a gateway outside forwards over TLS', async () => {
    writeFileSync(join(folder, 'mooring.yaml'), GATEWAY + snippet());
    gateway = startGateway();
    await told(
      eventually('records are in the files', SOON_MS, async () => {
        gateway.mustRun();
        return hasStore() && countOf(await audited()) > 100;
      }),
    );
  });

  test('stopped and started again, in the middle of it: nothing is lost and nothing is there twice', async () => {
    const before = await audited();
    for (const name of CORE.toReversed()) await tier.stop(name);
    await eventually('records wait at the gateway', SOON_MS, async () =>
      (await audited()).runs.some(({ unsettled }) => unsettled > 100),
    );
    for (const name of CORE) await tier.start(name);
    const ahead = countOf(before) + 300;
    await told(eventually('what waited has arrived', SOON_MS, async () => countOf(await audited()) > ahead));
    expect(await gateway.stop()).toBe(0);
    const report = await eventually('what was acknowledged is in the files', SOON_MS, async () => {
      const found = await audited();
      return found.ok && found;
    });
    console.info(
      `${countOf(report)} records, ${report.runs.map(({ unsettled }) => unsettled).join()} not acknowledged yet`,
    );
    expect(report.runs).toMatchObject([{ holes: [], duplicates: 0, acked_but_missing: 0 }]);
  });

  const snippet = (): string =>
    readFileSync(join(folder, 'authority', 'gateways', 'plaka', 'forward.yaml'), 'utf8').replaceAll(
      /: (?=ca\.pem|plaka\.(?:pem|key|password)$)/gm,
      ': authority/gateways/plaka/',
    );

  function startGateway(): Program {
    const [command, ...beside] = podman.beside as [string, ...string[]];
    const args = [process.execPath, join(ROOT, 'bin', 'mooring.js'), 'run', '-c', join(folder, 'mooring.yaml')];
    return programs.start({ name: 'gateway', command, args: [...beside, ...args] });
  }
});
