/** A gateway reduced to its MQTT: publishes bytes as batches, and gathers the acks that come back. */
import { connect, type IClientOptions, type MqttClient } from 'mqtt';
import type { Ack } from '../protocol/ack.ts';
import { decodeAck } from '../protocol/ack-codec.ts';
import { topicOf } from '../protocol/topics.ts';

export class PlainGateway {
  readonly name: string;
  readonly client: MqttClient;
  readonly acks: Ack[] = [];
  #wake: (() => void) | undefined;

  private constructor(name: string, client: MqttClient) {
    this.name = name;
    this.client = client;
    client.on('message', (_topic, payload) => {
      this.acks.push(decodeAck(new Uint8Array(payload)));
      this.#wake?.();
    });
    client.on('error', () => undefined);
  }

  /** Resolves when it reads its acks. */
  static async connect(url: string, name: string, options: IClientOptions = {}): Promise<PlainGateway> {
    const client = connect(url, { protocolVersion: 4, clientId: name, reconnectPeriod: 0, keepalive: 60, ...options });
    const gateway = new PlainGateway(name, client);
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error('closed before it was connected')));
    });
    await client.subscribeAsync(topicOf(name, 'ack'), { qos: 1 });
    return gateway;
  }

  /** Resolves with the PUBACK. */
  async send(batch: Uint8Array): Promise<void> {
    await this.client.publishAsync(topicOf(this.name, 'batch'), Buffer.from(batch), { qos: 1 });
  }

  /** The first ack that nobody has taken yet. */
  async nextAck(): Promise<Ack> {
    for (;;) {
      const ack = this.acks.shift();
      if (ack !== undefined) return ack;
      await new Promise<void>((wake) => (this.#wake = wake));
    }
  }

  async end(): Promise<void> {
    await this.client.endAsync(true);
  }
}
