import { sealed } from '../../central/ingest/foreign/seal.ts';
import type { Clock } from '../../runtime/clock.ts';
import { readUdpKey } from '../../runtime/udp-key.ts';
import type { DeviceMessage } from '../../sim/talkers/devices/device.ts';
import type { DisturbedMessage } from '../../sim/talkers/devices/disturbed.ts';
import type { Sender } from './sender.ts';

/**
 * A sender that numbers and seals what it is given, as a device with a key does: a device's messages are counted on from the
 * microseconds since 1970, so that a new start goes on above the old one; a copy has the number of what it is a copy of.
 * Rejects with `UDP_KEY_UNUSABLE`.
 */
export async function sealing(sender: Sender, keyFile: string, clock: Clock): Promise<Sender> {
  const key = await readUdpKey(keyFile);
  const firstSequence = clock.wallMs() * 1000;
  return {
    ...sender,
    send: async (message, signal) => await sender.send(sealedOf(message, key, firstSequence), signal),
  };
}

function sealedOf(message: DeviceMessage & Partial<DisturbedMessage>, key: Uint8Array, first: number): DeviceMessage {
  const name = message.truth[0]?.sourceId.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 63) || 'device';
  const said = { sender: name, sequence: first + (message.number ?? 0), message: message.bytes };
  return { ...message, bytes: sealed(key, said) };
}
