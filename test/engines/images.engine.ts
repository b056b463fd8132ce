/**
 * The image of deploy/Dockerfile, and the core of deploy/compose.yaml run from images, without an engine of containers. The bases
 * and the images of others are made here from packages: no registry is asked.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildBases, buildOwn, imagesFolder } from './images/bases.ts';
import { Composed } from './images/composed.ts';
import { Podman } from './images/podman.ts';

const DEPLOY = join(import.meta.dirname, '..', '..', 'deploy');
const NAME = 'mooring-images';
/** A first build gets everything from Debian and npm. */
const BUILD_MS = 1_200_000;
const SIZE_MAX_BYTES = 500e6;

let folder: string;
let podman: Podman;
let composed: Composed;
const imageOf = (service: string): string => composed.service(service).image;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), `${NAME}-`));
  podman = new Podman(imagesFolder(), NAME);
  podman.open();
  composed = new Composed(join(DEPLOY, 'compose.yaml'), {});
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
