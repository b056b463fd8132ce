import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';

/** A service of a Compose file, of the keys that `deploy/compose.yaml` uses. */
export interface Service {
  readonly image: string;
  readonly user?: string;
  readonly group_add?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly tmpfs?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly secrets?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck: { readonly test: readonly [string, ...string[]] };
  readonly [key: string]: unknown;
}

/** What says nothing of a container that is run by hand: who starts it again, when, and who reads its log. */
const NOT_OF_RUN = ['restart', 'logging', 'build', 'profiles', 'healthcheck', 'depends_on'];
const OF_RUN = [
  'image',
  'user',
  'group_add',
  'read_only',
  'cap_drop',
  'security_opt',
  'entrypoint',
  'command',
  'environment',
  'tmpfs',
  'volumes',
  'ports',
  'secrets',
];

/** A Compose file as the arguments of `podman run`, so that what is run is what it says. */
export class Composed {
  readonly services: Readonly<Record<string, Service>>;
  readonly #secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly #folder: string;

  /** With these variables in the place of the environment. Throws on a key that it would leave out. */
  constructor(path: string, variables: Readonly<Record<string, string>>) {
    const text = readFileSync(path, 'utf8').replace(
      /\$\{(\w+):-([^}]*)\}/g,
      (_, name: string, otherwise: string) => variables[name] ?? otherwise,
    );
    const { services, secrets } = parse(text, { merge: true });
    this.services = services as Readonly<Record<string, Service>>;
    this.#secrets = secrets;
    this.#folder = dirname(path);
    for (const [name, service] of Object.entries(this.services)) {
      const unknown = Object.keys(service).filter((key) => ![...OF_RUN, ...NOT_OF_RUN].includes(key));
      if (unknown.length > 0) throw new Error(`${name} has ${unknown.join(', ')}, which is not carried over`);
    }
  }

  /** Throws where there is none of this name. */
  service(name: string): Service {
    const service = this.services[name];
    if (service === undefined) throw new Error(`no service ${name}`);
    return service;
  }

  /** The services that this one waits for, before it. */
  before(name: string): readonly string[] {
    return Object.keys(this.service(name).depends_on ?? {});
  }

  /** Of its container, all but the command: user, mounts, bounds. Docker makes no tmpfs that nobody asked for. */
  containerArguments(name: string): readonly string[] {
    const { user, group_add, read_only, cap_drop, security_opt, environment, tmpfs, volumes, secrets } =
      this.service(name);
    return [
      ...(user === undefined ? [] : ['--user', user]),
      ...each('--group-add', group_add),
      ...(read_only === true ? ['--read-only', '--read-only-tmpfs=false'] : []),
      ...each('--cap-drop', cap_drop),
      // Podman knows it without its value.
      ...each(
        '--security-opt',
        security_opt?.map((option) => option.replace(/:true$/, '')),
      ),
      ...each(
        '--env',
        Object.entries(environment ?? {}).map(([key, value]) => `${key}=${value}`),
      ),
      ...each('--tmpfs', tmpfs),
      ...each(
        '--volume',
        volumes?.map((volume) => (volume.startsWith('.') ? resolve(this.#folder, volume) : volume)),
      ),
      ...each(
        '--volume',
        secrets?.map((secret) => `${resolve(this.#folder, this.#fileOf(secret))}:/run/secrets/${secret}:ro`),
      ),
    ];
  }

  /** What starts the service, in the background and under its name. */
  runArguments(name: string, network: string): readonly string[] {
    const { image, ports, entrypoint, command = [] } = this.service(name);
    const place = ['--detach', '--name', name, '--network', network, ...each('--publish', ports)];
    const start = entrypoint === undefined ? [] : ['--entrypoint', JSON.stringify(entrypoint)];
    return [...place, ...this.containerArguments(name), ...start, image, ...command];
  }

  /** Its health check as a command in its container. */
  healthCommand(name: string): readonly [string, ...string[]] {
    const [kind, ...command] = this.service(name).healthcheck.test;
    return kind === 'CMD-SHELL' ? ['/bin/sh', '-c', ...command] : (command as [string, ...string[]]);
  }

  #fileOf(secret: string): string {
    const file = this.#secrets[secret]?.file;
    if (file === undefined) throw new Error(`no secret ${secret}`);
    return file;
  }
}

function each(flag: string, values: readonly string[] | undefined): readonly string[] {
  return (values ?? []).flatMap((value) => [flag, value]);
}
