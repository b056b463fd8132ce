import { systemClock } from '../../../runtime/clock.ts';
import { eventually } from '../../processes.ts';
import type { Composed } from './composed.ts';
import type { Podman, Ran } from './podman.ts';

const HEALTHY_MS = 120_000;

/** Services of a Compose file as real containers on one network, started when what they need is healthy. */
export class Tier {
  readonly #podman: Podman;
  readonly #composed: Composed;
  readonly #network: string;
  readonly #started: string[] = [];

  constructor(podman: Podman, composed: Composed, network: string) {
    this.#podman = podman;
    this.#composed = composed;
    this.#network = network;
  }

  async open(): Promise<void> {
    await this.#podman.must('network', 'create', this.#network);
  }

  /** Starts a service and, before it, those that it waits for. Resolves when it is healthy; in how many milliseconds that was. */
  async up(name: string): Promise<number> {
    if (this.#started.includes(name)) return 0;
    for (const before of this.#composed.before(name)) await this.up(before);
    const startMs = systemClock.monotonicMs();
    await this.#podman.must('run', ...this.#composed.runArguments(name, this.#network));
    this.#started.push(name);
    await this.healthy(name);
    return systemClock.monotonicMs() - startMs;
  }

  /** Resolves when the health check passes. Throws with the log where it does not, or the container has ended. */
  async healthy(name: string): Promise<void> {
    let last: Ran | undefined;
    try {
      await eventually(`${name} is healthy`, HEALTHY_MS, async () => {
        last = await this.check(name);
        if (last.status === 0) return true;
        const state = await this.#podman.run('inspect', '--format', '{{.State.Status}}', name);
        if (/exited|stopped/.test(state.output)) throw new Error(`${name} has ended`);
        return false;
      });
    } catch (cause) {
      const log = await this.log(name);
      throw new Error(`${(cause as Error).message}; its check: ${last?.output}; its log:\n${log}`, { cause });
    }
  }

  /** The health check of a service, once, in its container. */
  async check(name: string): Promise<Ran> {
    return await this.#podman.run('exec', name, ...this.#composed.healthCommand(name));
  }

  /** The same in a container as the service's, in which the service does not run. */
  async checkAlone(name: string): Promise<Ran> {
    const [command, ...rest] = this.#composed.healthCommand(name);
    const container = this.#composed.containerArguments(name).filter((argument) => argument !== '');
    const place = ['--rm', '--network', this.#network, '--entrypoint', JSON.stringify([command])];
    return await this.#podman.run('run', ...place, ...container, this.#composed.service(name).image, ...rest);
  }

  async stop(name: string): Promise<void> {
    await this.#podman.must('stop', '--time', '30', name);
  }

  async start(name: string): Promise<void> {
    await this.#podman.must('start', name);
    await this.healthy(name);
  }

  async log(name: string): Promise<string> {
    return (await this.#podman.run('logs', '--tail', '40', name)).output;
  }

  /** Takes away containers, volumes and network. */
  async close(): Promise<void> {
    await this.#podman.run('rm', '--force', '--time', '0', '--volumes', ...this.#started);
    await this.#podman.run('volume', 'rm', '--all', '--force');
    await this.#podman.run('network', 'rm', '--force', this.#network);
  }
}
