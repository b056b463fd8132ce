/** The process behind `mooring <verb>`: hands the real world to the verbs, and turns what they end with into a status. */
import { systemClock } from '../runtime/clock.ts';
import { systemRandom } from '../runtime/random.ts';
import { linesOf, operatingErrorOf, statusOf } from './failure.ts';
import type { Host } from './host.ts';
import { runCommandLine, type Verbs } from './program.ts';
import { hearStopSignals } from './stop-signal.ts';
import { packageVersion } from './version.ts';

const exit = (status: number): never => process.exit(status);
const streams = { out: process.stdout, err: process.stderr };

/** A pipe that nobody reads on (`… | head`), and a terminal that is gone. */
const READER_GONE = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED']);
let hasReader = true;
process.stdout.on('error', (error: Error & { code?: string }) => {
  if (!READER_GONE.has(error.code ?? '')) throw error;
  if (!hasReader) return;
  hasReader = false;
  // Whoever would stop for a hang-up does so for this; a verb that only prints has nothing left to do.
  if (!process.emit('SIGHUP', 'SIGHUP')) exit(0);
});

async function withHost(verb: (host: Host) => Promise<number>): Promise<number> {
  using stop = hearStopSignals(process, systemClock, exit);
  return await verb({
    clock: systemClock,
    random: systemRandom,
    version: packageVersion(),
    env: process.env,
    pid: process.pid,
    stop: stop.signal,
    streams,
    exits: process,
  });
}

/** Loaded when they are asked for: `check` needs neither a database nor a broker. */
const verbs: Verbs = {
  run: async ({ config, ...options }) => {
    const { runGateway } = await import('./run.ts');
    return await withHost(async (host) => await runGateway(config, options, host));
  },
  central: async ({ config, resume }) => {
    const { runCentral } = await import('./central.ts');
    return await withHost(async (host) => await runCentral(config, { resume }, host));
  },
  centralEnroll: async (gateway, options) => {
    const { runEnroll } = await import('./central-enroll.ts');
    return await withHost(async (host) => await runEnroll(gateway, options, { ...host, kill: process.kill }));
  },
  centralRevoke: async (gateway, options) => {
    const { runRevoke } = await import('./central-enroll.ts');
    return await withHost(async (host) => await runRevoke(gateway, options, { ...host, kill: process.kill }));
  },
  centralTry: async (mapping, file, options) => {
    const { runCentralTry } = await import('./central-try.ts');
    return runCentralTry(mapping, file, options, { clock: systemClock, streams });
  },
  letterList: async (config, options) => {
    const { runLetterList } = await import('./central-deadletter.ts');
    return await withHost(async (host) => await runLetterList(config, options, host));
  },
  letterShow: async (config, id, options) => {
    const { runLetterShow } = await import('./central-deadletter.ts');
    return await withHost(async (host) => await runLetterShow(config, id, options, host));
  },
  letterReplay: async (config, options) => {
    const { runLetterReplay } = await import('./central-deadletter.ts');
    return await withHost(async (host) => await runLetterReplay(config, options, host));
  },
  centralImport: async (config, file, options) => {
    const { runCentralImport } = await import('./central-import.ts');
    const hasBar = process.stderr.isTTY === true;
    return await withHost(async (host) => await runCentralImport(config, file, { ...options, hasBar }, host));
  },
  centralTalk: async (profile, options) => {
    const { runCentralTalk } = await import('./central-talk.ts');
    return await withHost(async (host) => await runCentralTalk(profile, options, host));
  },
  centralHeard: async (truth, records, options) => {
    const { runCentralHeard } = await import('./central-heard.ts');
    return await runCentralHeard(truth, records, options, streams.out);
  },
  demo: async (options) => {
    const { runDemo } = await import('./demo.ts');
    return await withHost(async (host) => await runDemo({ ...options, terminal: process.stdout }, host));
  },
  check: async (file, options) => (await import('./check.ts')).runCheck(file, options, streams.out),
  schema: async (kind) => (await import('./schema.ts')).runSchema(kind, streams.out),
  audit: async (recordsDir, options) => (await import('./audit.ts')).runAudit(recordsDir, options, streams.out),
  alarms: async ({ config, ...options }) => {
    const { runAlarms } = await import('./alarms.ts');
    return await withHost(async (host) => await runAlarms(config, options, host));
  },
  sensors: async ({ config, ...options }) => {
    const { runSensors } = await import('./sensors.ts');
    return await withHost(async (host) => await runSensors(config, options, host));
  },
  read: async (station, { config, ...options }) => {
    const { runRead } = await import('./read.ts');
    return await withHost(async (host) => await runRead(config, { station, ...options }, host));
  },
};

async function main(): Promise<number> {
  try {
    return await runCommandLine(process.argv.slice(2), verbs, streams);
  } catch (error) {
    const operating = operatingErrorOf(error);
    // A bug ends the process with its stack.
    if (operating === undefined) throw error;
    process.stderr.write(linesOf(operating));
    return statusOf(operating);
  }
}

// A sensor that hangs must not keep the process. Standard output loses nothing: on Linux its writes are synchronous.
exit(await main());
