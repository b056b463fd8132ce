import type { PushedSensor, Reading } from '../drivers/driver.ts';
import type { Talker } from '../sim/talkers/talker.ts';

/** A device that says what a test wants, and keeps what it hears. */
export class Mouthpiece implements Talker {
  readonly heard: number[] = [];
  say: (bytes: Uint8Array) => void = () => undefined;

  powerUp(say: (bytes: Uint8Array) => void): void {
    this.say = say;
  }

  powerDown(): void {
    this.say = () => undefined;
  }

  hear(bytes: Uint8Array): void {
    this.heard.push(...bytes);
  }
}

/** What a pushed sensor says from now on, and how it ends. */
export function listenTo(
  sensor: PushedSensor,
  signal: AbortSignal,
): { readonly readings: Reading[]; readonly end: Promise<unknown> } {
  const readings: Reading[] = [];
  const end = (async () => {
    for await (const reading of sensor.readings(signal)) readings.push(reading);
    return 'ended';
  })().catch((error: unknown) => error);
  return { readings, end };
}

/** Bytes as data sheets print them. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}
