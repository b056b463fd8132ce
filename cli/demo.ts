import { relative, resolve } from 'node:path';
import { Centre } from '../central/app.ts';
import { loadCentralConfig } from '../central/config/config.ts';
import { createKafkaClient } from '../central/recordlog/kafka/clients.ts';
import { Gateway } from '../daemon/app.ts';
import { loadGatewayConfig } from '../daemon/config/config.ts';
import type { Clock } from '../runtime/clock.ts';
import { MooringError } from '../runtime/errors.ts';
import { createLog, type Log, silentLog } from '../runtime/log.ts';
import { type DemoFolder, freeLoopbackPort, openDemoFolder } from './demo/folder.ts';
import { DemoMeter } from './demo/meter.ts';
import { type DemoView, openPlainView, openScreen, type Terminal } from './demo/screen.ts';
import type { Host } from './host.ts';

export interface DemoOptions {
  /** Folder for everything that it keeps. */
  readonly data: string;
  /** Ends by itself so long after its start; left out: when it is told to. */
  readonly forMs?: number | undefined;
  /** A log even where there is a terminal. */
  readonly plain: boolean;
  /** A Kafka that is there, `HOST:PORT`, to go between ingest and sinks. */
  readonly kafka?: string | undefined;
  readonly terminal: Terminal;
}

/** At the end the last records may wait so long for their acknowledgement. */
const DRAIN_MS = 2000;

/**
 * `mooring demo`: simulated stations, their gateway and a centre in this one process, over the embedded broker on a free
 * port. Everything stays in the folder, and in topics of its own where there is a Kafka; the next demo there goes on with
 * it. Rejects with `LOG_FAILED` where no Kafka answers.
 */
export async function runDemo(options: DemoOptions, host: Host): Promise<number> {
  const { out } = host.streams;
  const { kafka } = options;
  if (kafka !== undefined) await requireKafka(kafka, host);
  const { random } = host;
  using folder = openDemoFolder(resolve(options.data), { port: await freeLoopbackPort(), kafka, random });
  const shown = shownPaths(folder);
  out.write(`mooring demo: records go to ${shown.store}, then to ${shown.records}; the programs log to ${shown.log}\n`);
  if (folder.kafka !== undefined) {
    out.write(
      `mooring demo: on their way they go through ${kafka}, topics ${folder.kafka.prefix}.*, which stay there\n`,
    );
  }
  await playDemo(options, folder, host);
  out.write(
    `mooring demo: ended. The next start goes on with the same store. To see that nothing was lost:\n` +
      `  npx mooring audit ${shown.records} --store ${shown.store}\n`,
  );
  return 0;
}

/** Opens centre, gateway and view in this order, shows what goes on until it ends, closes them in reverse. */
async function playDemo(options: DemoOptions, folder: DemoFolder, host: Host): Promise<void> {
  const { clock, random, version } = host;
  const log = createLog('info', folder.logDescriptor);
  const logOf = (program: string): { readonly log: Log } => ({ log: log.child({ program }) });
  const config = loadGatewayConfig(folder.gatewayConfig);
  const centre = new Centre(loadCentralConfig(folder.centralConfig), { clock, random, ...logOf('central') });
  const gateway = new Gateway(config, { clock, random, version, ...logOf('run') });
  const stopping = AbortSignal.any([host.stop, gateway.died, centre.failed]);
  await using opened = new AsyncDisposableStack();
  opened.defer(async () => await centre.stop());
  if (!(await started(centre, stopping))) return;
  opened.defer(async () => await gateway.stop({ drainMs: DRAIN_MS }));
  await gateway.start();
  // Counted from here: a machine that starts slowly shows as much as a fast one.
  using timer = timerOf(clock, options.forMs);
  const ending = AbortSignal.any([stopping, timer.signal]);
  const meter = new DemoMeter({ config, gateway, centre, clock, paths: shownPaths(folder), kafka: folder.kafka });
  opened.defer(() => void host.streams.out.write('mooring demo: ending: the last records go to the centre\n'));
  const view = opened.use(openView(options, host));
  while (!ending.aborted) {
    view.show(await meter.snapshot());
    await clock.sleep(view.everyMs, ending).catch(() => undefined);
  }
  gateway.died.throwIfAborted();
  centre.failed.throwIfAborted();
}

/** A broker that comes later would do, but who names one wants to see it work. */
async function requireKafka(broker: string, { clock }: Host): Promise<void> {
  const client = await createKafkaClient('kafkajs', {
    brokers: [broker],
    clientId: 'mooring-demo',
    clock,
    log: silentLog,
  });
  const admin = client.createAdmin();
  try {
    await admin.clusterId();
  } catch (cause) {
    throw new MooringError('LOG_FAILED', `there is no Kafka at ${broker}`, {
      cause,
      hint: 'Start it, or leave `--kafka` out.',
    });
  } finally {
    await admin.close();
  }
}

/** False when the demo was ended before the centre had started. */
async function started(centre: Centre, stopping: AbortSignal): Promise<boolean> {
  try {
    await centre.start(stopping);
    return true;
  } catch (error) {
    if (!stopping.aborted) throw error;
    return false;
  }
}

function openView({ plain, terminal }: DemoOptions, { streams, exits }: Host): DemoView {
  return plain || terminal.isTTY !== true ? openPlainView(streams.out) : openScreen(terminal, exits);
}

function timerOf(clock: Clock, durationMs: number | undefined): Disposable & { readonly signal: AbortSignal } {
  const over = new AbortController();
  const cancel = durationMs === undefined ? (): void => undefined : clock.after(durationMs, () => over.abort());
  return { signal: over.signal, [Symbol.dispose]: cancel };
}

/** As a person in this folder would type them. */
function shownPaths({ store, records, acks, log }: DemoFolder): Record<'store' | 'records' | 'acks' | 'log', string> {
  const short = (path: string): string => {
    const fromHere = relative('', path);
    return fromHere.startsWith('..') ? path : fromHere;
  };
  return { store: short(store), records: short(records), acks: short(acks), log: short(log) };
}
