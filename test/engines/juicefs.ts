import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../ports.ts';
import { eventually, Program, runTool } from '../processes.ts';
import type { Mount } from './files-mounts.ts';
import { juicefsProgram } from './juicefs-build.ts';

const SOON_MS = 30_000;
const CAPACITY_GIB = 1;
/**
 * A session that says nothing for five of these is over, and its locks are free: 12 s where nothing is said, so that what a
 * killed process had locked stays so for a minute.
 */
const HEARTBEAT = '1s';

/**
 * A volume of JuiceFS, mounted: metadata in SQLite, data in a folder of files. Two processes stand behind it, one that looks
 * after the other and starts it again when it ends.
 */
export class JuiceFs implements Mount {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mooring-juicefs-'));
  readonly #program: string;
  #supervisor: Program | undefined;

  private constructor(program: string) {
    this.#program = program;
  }

  /** A new volume; resolves when it is mounted. May have to build the program first. */
  static async start(): Promise<JuiceFs> {
    const volume = new JuiceFs(juicefsProgram());
    try {
      await volume.#format();
      await volume.#mount();
      return volume;
    } catch (error) {
      await volume.end();
      throw error;
    }
  }

  get path(): string {
    return join(this.#folder, 'mount');
  }

  /** Of the process that serves, which the other one starts again. */
  pid(): number {
    const pid = this.#servingPid();
    if (pid === undefined) throw new Error(`nobody serves:\n${this.#supervisor?.tail()}`);
    return pid;
  }

  /** SIGKILL of the process that serves; resolves when there is another, and it answers. */
  async restartByItself(): Promise<void> {
    const before = this.pid();
    process.kill(before, 'SIGKILL');
    await eventually('another process serves', SOON_MS, () => this.#serves() && this.#servingPid() !== before);
  }

  /** SIGKILL of both: the path answers with an error from now on. */
  async kill(): Promise<void> {
    const served = this.#servingPid();
    const ended = this.#supervisor?.kill();
    if (served !== undefined) process.kill(served, 'SIGKILL');
    // What both print goes to one pipe.
    await ended;
  }

  async remount(): Promise<void> {
    this.#unmount();
    await this.#mount();
  }

  /** Leaves so many bytes. Returns what gives them back. */
  fill(leftBytes: number): () => void {
    const ballast = join(this.path, 'ballast');
    closeSync(openSync(ballast, 'w'));
    // The length counts, whatever of it was written.
    truncateSync(ballast, CAPACITY_GIB * 2 ** 30 - leftBytes);
    return () => rmSync(ballast);
  }

  async end(): Promise<void> {
    if (this.#supervisor !== undefined && !this.#supervisor.hasEnded) await this.kill();
    this.#unmount();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #format(): Promise<void> {
    mkdirSync(this.path);
    mkdirSync(join(this.#folder, 'blobs'));
    const kept = ['--storage', 'file', '--bucket', `${join(this.#folder, 'blobs')}/`];
    const bounds = ['--capacity', String(CAPACITY_GIB), '--trash-days', '0'];
    await runTool(this.#program, ['format', '--no-update', ...kept, ...bounds, this.#metadata, 'mooring']);
  }

  async #mount(): Promise<void> {
    const metrics = `127.0.0.1:${await freePort()}`;
    const own = ['--no-usage-report', '--metrics', metrics, '--cache-dir', join(this.#folder, 'cache')];
    const args = ['mount', ...own, '--heartbeat', HEARTBEAT, this.#metadata, this.path];
    const supervisor = new Program({ name: 'juicefs', command: this.#program, args });
    this.#supervisor = supervisor;
    await eventually('JuiceFS is mounted', SOON_MS, () => {
      supervisor.mustRun();
      return this.#serves();
    });
  }

  get #metadata(): string {
    return `sqlite3://${join(this.#folder, 'metadata.db')}`;
  }

  #servingPid(): number | undefined {
    const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(this.#supervisor?.pid)], { encoding: 'utf8' });
    const [pid] = stdout.trim().split(/\s+/);
    return pid ? Number(pid) : undefined;
  }

  #serves(): boolean {
    return spawnSync('timeout', ['1', 'stat', join(this.path, '.stats')]).status === 0;
  }

  #unmount(): void {
    spawnSync('umount', ['-l', this.path]);
  }
}
