import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { NAME_PATTERN } from '../../protocol/record.ts';
import { MooringError, toMooringError } from '../../runtime/errors.ts';
import { type FileLock, lockFile } from '../../runtime/lock.ts';
import type { Random } from '../../runtime/random.ts';

/** Everything that a demo keeps, in one folder, and the configurations that it runs by. */
export interface DemoFolder extends Disposable {
  readonly path: string;
  readonly store: string;
  readonly records: string;
  readonly acks: string;
  readonly gatewayConfig: string;
  readonly centralConfig: string;
  readonly log: string;
  /** Where records go between ingest and sinks; undefined: straight to the sinks. */
  readonly kafka: DemoKafka | undefined;
  /** Open for appending. */
  readonly logDescriptor: number;
}

export interface DemoKafka {
  readonly broker: string;
  /** Of its topics: another folder has others, so that no demo takes what is another's for its own. */
  readonly prefix: string;
}

export interface DemoFolderOptions {
  /** For the embedded broker. */
  readonly port: number;
  /** A Kafka that is there, `HOST:PORT`. */
  readonly kafka?: string | undefined;
  readonly random: Pick<Random, 'bytes'>;
}

/**
 * Makes the folder where it is missing and takes it for this process; throws `LOCK_HELD` where another demo has it. What
 * earlier demos kept stays; the configurations are written anew.
 */
export function openDemoFolder(path: string, { port, kafka: broker, random }: DemoFolderOptions): DemoFolder {
  const at = (name: string): string => join(path, name);
  const lock = takeFolder(path);
  const kafka = broker === undefined ? undefined : { broker, prefix: prefixIn(at('kafka-prefix'), random) };
  writeFileSync(at('gateway.yaml'), gatewayYaml(port));
  writeFileSync(at('central.yaml'), centralYaml(port, kafka));
  const logDescriptor = openSync(at('demo.log'), 'a');
  return {
    path,
    store: at('store.db'),
    records: at('records'),
    acks: at('acks.txt'),
    gatewayConfig: at('gateway.yaml'),
    centralConfig: at('central.yaml'),
    log: at('demo.log'),
    kafka,
    logDescriptor,
    [Symbol.dispose]: () => {
      closeSync(logDescriptor);
      lock.release();
    },
  };
}

function takeFolder(path: string): FileLock {
  try {
    mkdirSync(path, { recursive: true });
    return lockFile(join(path, 'demo.lock'));
  } catch (cause) {
    if (!(cause instanceof MooringError) || cause.code !== 'LOCK_HELD') {
      throw toMooringError(cause, 'LOCK_FAILED', `the demo cannot use the folder ${path}`);
    }
    throw new MooringError('LOCK_HELD', `another demo is running in ${path}`, {
      hint: 'Stop it, or give this one a folder of its own: --data DIR.',
    });
  }
}

/** Drawn by the first demo that needs one, and kept. */
function prefixIn(path: string, random: Pick<Random, 'bytes'>): string {
  if (existsSync(path)) {
    const kept = readFileSync(path, 'utf8').trim();
    if (NAME_PATTERN.test(kept)) return kept;
  }
  const drawn = `mooring-demo-${Buffer.from(random.bytes(4)).toString('hex')}`;
  writeFileSync(path, `${drawn}\n`);
  return drawn;
}

/** A port of the loopback interface that nobody listens on. */
export async function freeLoopbackPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (typeof address !== 'object' || address === null) throw new MooringError('SOCKET_FAILED', 'no port to be had');
  return address.port;
}

const gatewayYaml = (port: number): string => `# Written by \`mooring demo\` at every start.
gateway: demo
stations:
  - name: buoy
    every: 1s
    location: gps
    sensors: [{ driver: sim, profile: buoy, seed: 7 }]
  - name: city
    every: 1s
    location: { lat: 37.9715, lon: 23.7257, alt: 70 }
    sensors: [{ driver: sim, profile: city, seed: 7 }]
store: { path: store.db, budget: 256MiB }
forward:
  centre: { mqtt: { url: mqtt://127.0.0.1:${port} } }
`;

const centralYaml = (
  port: number,
  kafka: DemoKafka | undefined,
): string => `# Written by \`mooring demo\` at every start.
ingest: { mqtt: { listen: 127.0.0.1:${port} } }
${kafka === undefined ? '' : kafkaYaml(kafka)}sinks:
  archive: { files: { path: records } }
  acks: { ack_log: { path: acks.txt } }
state: central
`;

/** Acknowledged is what is in the files: what the demo says of them when it ends is true then. */
const kafkaYaml = ({
  broker,
  prefix,
}: DemoKafka): string => `kafka: { brokers: ['${broker}'], partitions: 1, prefix: ${prefix} }
ack: [archive]
`;
