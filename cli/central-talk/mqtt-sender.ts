import type { DevicePublisher } from '../../central/ingest/foreign/device-publisher.ts';
import { abortedFirst } from './aborted-first.ts';
import type { Sender } from './sender.ts';

const AT_ONCE = 100;

/** With QoS 1, each on its own topic. */
export function mqttSender(publisher: DevicePublisher): Sender {
  return {
    atOnce: AT_ONCE,
    textOnly: false,
    async send({ topic = 'devices', bytes }, signal) {
      await abortedFirst(signal, publisher.publish(topic, bytes));
      return 'taken';
    },
    close: async () => await publisher.close(),
  };
}
