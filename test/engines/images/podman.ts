import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Ran {
  readonly status: number | null;
  /** Both streams. */
  readonly output: string;
}

export interface BuildOptions {
  readonly file: string;
  readonly context: string;
  readonly tag: string;
  /** Folders and files of this machine that are there while it is built, and not in the image: `FROM:TO:ro`. */
  readonly mounts?: readonly string[];
}

/**
 * Buildah and Podman where no engine runs: containers have a network of their own in a network namespace of their own, which
 * this process makes and takes away. Nothing is pulled.
 *
 * A machine in the hybrid mode of cgroups refuses containers, hence a mount namespace with the second version alone, and no
 * cgroups for them; one without CAP_SYS_RESOURCE refuses to raise limits, hence those that are there.
 */
export class Podman {
  readonly #store: readonly string[];
  readonly #netns: string;
  #others: readonly string[] = [];
  #holder: ChildProcess | undefined;

  /** With its images in `folder`, made if absent. */
  constructor(folder: string, netns: string) {
    mkdirSync(folder, { recursive: true });
    this.#store = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'overlay'];
    this.#netns = netns;
  }

  /** Makes the namespace, with its loopback. */
  async open(): Promise<void> {
    this.#others = namespaces();
    must('ip', ['netns', 'add', this.#netns]);
    must('ip', ['-n', this.#netns, 'link', 'set', 'lo', 'up']);
    // One for all commands: the networks of containers are mounts, and who stops one has to see them.
    const script =
      'mount --make-rprivate / && mount -t cgroup2 none /sys/fs/cgroup && echo ready && exec sleep infinity';
    const holder = spawn('ip', ['netns', 'exec', this.#netns, 'unshare', '-m', 'bash', '-c', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#holder = holder;
    await once(holder.stdout, 'data');
  }

  get #inside(): readonly string[] {
    return ['-t', String(this.#holder?.pid), '-m', '-n'];
  }

  /** Ends what runs in the namespace, and the namespace; the names of those that Podman made in it go too, as they lead nowhere. */
  close(): void {
    this.#holder?.kill('SIGKILL');
    for (const pid of spawnSync('ip', ['netns', 'pids', this.#netns], { encoding: 'utf8' }).stdout.split('\n')) {
      if (pid !== '') spawnSync('kill', ['-KILL', pid]);
    }
    for (const name of [this.#netns, ...namespaces().filter((each) => !this.#others.includes(each))]) {
      spawnSync('ip', ['netns', 'delete', name]);
    }
  }

  /** What starts a program beside the containers, at whose published ports it is. */
  get beside(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#netns];
  }

  /** Makes an image from a root file system in a tar file. Throws with what was said. */
  async import(tar: string, tag: string): Promise<void> {
    await this.must('import', tar, tag);
  }

  /** Builds an image; steps that were built before are taken from there. Throws with the end of what was said. */
  async build({ file, context, tag, mounts = [] }: BuildOptions): Promise<void> {
    const bound = mounts.flatMap((mount) => ['-v', mount]);
    const args = ['bud', '--isolation', 'chroot', '--pull-never', '--layers', '-f', file, '-t', tag, ...bound, context];
    const { status, output } = await ran('buildah', [...this.#store, ...args]);
    if (status !== 0) throw new Error(`buildah ended with ${status}: ${output.slice(-3000)}`);
  }

  /** Runs `podman` with these arguments to its end. */
  async run(verb: string, ...args: readonly string[]): Promise<Ran> {
    const hard = spawnSync('bash', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).stdout.trim();
    const limits = ['--ulimit', `nofile=${hard}:${hard}`, '--ulimit', 'nproc=4096:4096', '--cgroups=disabled'];
    const all = [verb, ...(verb === 'run' || verb === 'create' ? limits : []), ...args];
    const settings = ['--cgroup-manager', 'cgroupfs', '--runtime', 'crun', '--events-backend', 'file'];
    return await ran('nsenter', [...this.#inside, 'podman', ...this.#store, ...settings, ...all]);
  }

  /** The same; what it printed. Throws with that where it fails. */
  async must(verb: string, ...args: readonly string[]): Promise<string> {
    const { status, output } = await this.run(verb, ...args);
    if (status !== 0) throw new Error(`podman ${verb} ended with ${status}: ${output.slice(-3000)}`);
    return output;
  }
}

async function ran(command: string, args: readonly string[]): Promise<Ran> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const [status] = (await once(child, 'exit')) as [number | null];
  return { status, output };
}

function must(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}

/** Those of this machine. */
function namespaces(): readonly string[] {
  return spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' })
    .stdout.split('\n')
    .flatMap((line) => line.split(' ')[0] || []);
}
