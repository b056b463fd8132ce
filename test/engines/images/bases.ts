import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { arch, homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fetchKafkaJars, jarsFolder } from '../../kafka/jars.ts';
import { runTool } from '../../processes.ts';
import type { Podman } from './podman.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const DOCKERFILE = join(ROOT, 'deploy', 'Dockerfile');
const DEBIAN = 'localhost/mooring-debian';
const SUITE = 'bookworm';
/** As the slim images of Debian leave out. */
const LEFT_OUT = ['doc', 'man', 'info', 'locale', 'groff', 'lintian', 'linda'];
const CA_FILE = '/etc/ssl/certs/ca-certificates.crt';

/** Where the images of the tests are kept between runs. */
export function imagesFolder(): string {
  const cache = process.env.XDG_CACHE_HOME ?? '';
  return join(cache === '' ? join(homedir(), '.cache') : cache, 'mooring', 'images');
}

/** The images that stand in for those of a registry, under the names that `compose.yaml` and the Dockerfile have for them. */
export async function buildBases(podman: Podman, imageOf: (service: string) => string): Promise<void> {
  if ((await podman.run('image', 'exists', DEBIAN)).status !== 0) {
    await podman.import(await debianTar(), DEBIAN);
  }
  fetchKafkaJars();
  const scratch = mkdtempSync(join(tmpdir(), 'mooring-bases-'));
  try {
    await build(podman, 'node', `docker.io/library/${nodeImage()}`, await nodeContext(scratch));
    await build(podman, 'mosquitto', imageOf('mosquitto'), scratch);
    await build(podman, 'kafka', imageOf('kafka-1'), dirname(jarsFolder()));
    await build(podman, 'prometheus', imageOf('prometheus'), scratch);
    await podman.must('tag', imageOf('prometheus'), imageOf('alertmanager'));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The image of deploy/Dockerfile. npm in it trusts what this machine trusts, as long as it is built. */
export async function buildOwn(podman: Podman, tag: string): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'mooring-npmrc-'));
  try {
    const npmrc = join(scratch, 'npmrc');
    const registry = (await runTool('npm', ['config', 'get', 'registry'])).trim();
    writeFileSync(npmrc, `registry=${registry}\ncafile=${CA_FILE}\n`);
    const mounts = [`${npmrc}:/usr/local/etc/npmrc:ro`, `${CA_FILE}:${CA_FILE}:ro`];
    await podman.build({ file: DOCKERFILE, context: ROOT, tag, mounts });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function build(podman: Podman, name: string, tag: string, context: string): Promise<void> {
  await podman.build({ file: join(import.meta.dirname, `${name}.Dockerfile`), context, tag });
}

/** A root file system of Debian, from where this machine has its packages from; made once. */
async function debianTar(): Promise<string> {
  const tar = join(imagesFolder(), `${SUITE}.tar`);
  if (existsSync(tar)) return tar;
  mkdirSync(dirname(tar), { recursive: true });
  const sources = '/etc/apt/sources.list.d/debian.sources';
  const excluded = LEFT_OUT.map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`);
  const args = ['--variant=minbase', '--include=ca-certificates', ...excluded, SUITE, `${tar}.new.tar`];
  await runTool('mmdebstrap', existsSync(sources) ? [...args, sources] : args);
  renameSync(`${tar}.new.tar`, tar);
  return tar;
}

/** What `ARG NODE_IMAGE` of the Dockerfile names. */
function nodeImage(): string {
  const [, image] = /^ARG NODE_IMAGE=(\S+)$/m.exec(readFileSync(DOCKERFILE, 'utf8')) ?? [];
  if (image === undefined) throw new Error('the Dockerfile names no image of Node');
  return image;
}

/** A folder with `node`, of the version that the Dockerfile names, and the `npm` of this machine. */
async function nodeContext(scratch: string): Promise<string> {
  const [, version] = /:(\d+\.\d+\.\d+)/.exec(nodeImage()) ?? [];
  await runTool('npm', ['pack', `node-linux-${arch()}@${version}`, '--pack-destination', scratch]);
  await runTool('tar', ['-C', scratch, '-xzf', join(scratch, `node-linux-${arch()}-${version}.tgz`)]);
  renameSync(join(scratch, 'package'), join(scratch, 'node'));
  const modules = (await runTool('npm', ['root', '--global'])).trim();
  cpSync(join(modules, 'npm'), join(scratch, 'npm'), { recursive: true });
  return scratch;
}
