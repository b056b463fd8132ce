import type { Clock } from '../../runtime/clock.ts';
import type { BrokerClientConfig } from '../../runtime/config/broker.ts';
import { MooringError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import type { DeviceMessage } from '../../sim/talkers/devices/device.ts';

/** How messages of devices leave. */
export interface Sender {
  /** Messages that may be under way at once. */
  readonly atOnce: number;
  /** Whether it carries text only. */
  readonly textOnly: boolean;
  /**
   * Resolves with `taken` when whoever is there has confirmed it, with `refused` where they never will; over UDP, which
   * confirms nothing, when it has left. Tries again by itself while nobody takes it. Rejects when the signal is aborted
   * first, with its reason.
   */
  send(message: DeviceMessage, signal: AbortSignal): Promise<'taken' | 'refused'>;
  close(): Promise<void>;
}

export interface SenderOptions {
  /** `mqtt://HOST:PORT`, `mqtts://…`, `udp://HOST:PORT`, `tcp://HOST:PORT`, `http://HOST:PORT/PATH`, `https://…`, `kafka://HOST:PORT/TOPIC`. */
  readonly to: URL;
  /** Over HTTP: a file whose first line is the bearer token. */
  readonly tokenFile?: string | undefined;
  /** Over UDP and TCP: a file with the key that messages are sealed with; undefined: none is. */
  readonly sealFile?: string | undefined;
  readonly broker: Omit<BrokerClientConfig, 'url'>;
  readonly clientId: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Connected, where its way has connections. Rejects with what is wrong with the address, a file, or who is there. */
export async function openSender(options: SenderOptions): Promise<Sender> {
  const { sealFile, clock, to } = options;
  if (sealFile === undefined) return await senderTo(options);
  if (to.protocol !== 'udp:' && to.protocol !== 'tcp:') {
    const hint = 'Write udp:// or tcp://, or leave out --seal.';
    throw new MooringError('CONFIG_INVALID', 'nothing is sealed over that way', { context: { to: to.href }, hint });
  }
  const { sealing } = await import('./sealing.ts');
  return await sealing(await senderTo(options), sealFile, clock);
}

async function senderTo(options: SenderOptions): Promise<Sender> {
  const { to, clock, clientId } = options;
  switch (to.protocol) {
    case 'mqtt:':
    case 'mqtts:': {
      const { connectDevicePublisher } = await import('../../central/ingest/foreign/device-publisher.ts');
      const { mqttSender } = await import('./mqtt-sender.ts');
      const config = { ...options.broker, url: `${to.protocol}//${to.host}` };
      return mqttSender(await connectDevicePublisher(config, clientId, clock));
    }
    case 'udp:':
      return await (await import('./udp-sender.ts')).udpSender(to);
    case 'tcp:':
      return (await import('./tcp-sender.ts')).tcpSender(options);
    case 'http:':
    case 'https:':
      return await (await import('./http-sender.ts')).httpSender(options);
    case 'kafka:':
      return await (await import('./kafka-sender.ts')).kafkaSender(options);
    default:
      throw new MooringError('CONFIG_INVALID', '--to names no way that there is', {
        context: { to: to.href },
        hint: 'Write mqtt://, mqtts://, udp://, tcp://, http://, https:// or kafka://.',
      });
  }
}
