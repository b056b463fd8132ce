/**
 * `npm run test:vm [-- TEXT]`: the gateway in a Debian guest with a real kernel's I²C, GPIO and USB serial, under emulation.
 * Builds the guest first (two minutes, once). Prints each check with its figures; exits with 1 where one does not hold.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { CHECKS, diagnosis, prepare } from './checks.ts';
import { Guest } from './guest.ts';

const here = import.meta.dirname;
const project = join(here, '..', '..');
const only = process.argv[2] ?? '';

const image = join(homedir(), '.cache', 'mooring', `vm-${hashOfImage()}`);
if (!existsSync(join(image, 'done'))) {
  const { status } = spawnSync(join(here, 'image', 'build'), [image], { stdio: 'inherit' });
  if (status !== 0) {
    process.stderr.write('The guest could not be built; the reason is above. It needs root on Debian 12, amd64.\n');
    process.exit(1);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'mooring-vm-'));
let passed = 0;
let failed = 0;
const bootedMs = performance.now();
const guest = await Guest.boot({ image, folder, project });
process.stdout.write(`the guest is up after ${((performance.now() - bootedMs) / 1000).toFixed(1)} s\n`);
try {
  const scene = await prepare(guest);
  for (const { name, run } of CHECKS.filter((check) => check.name.includes(only))) {
    try {
      process.stdout.write(`ok    ${name}: ${await run(scene)}\n`);
      passed += 1;
    } catch (error) {
      process.stdout.write(`FAIL  ${name}: ${(error as Error).message}\n${await diagnosis(scene)}\n`);
      failed += 1;
    }
  }
} finally {
  await guest.end();
  rmSync(folder, { recursive: true, force: true });
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/** Another guest for every change of what it is built from. */
function hashOfImage(): string {
  const hash = createHash('sha256');
  const files = readdirSync(join(here, 'image'), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  for (const path of files.map((file) => join(file.parentPath, file.name)).sort()) hash.update(readFileSync(path));
  return hash.digest('hex').slice(0, 12);
}
