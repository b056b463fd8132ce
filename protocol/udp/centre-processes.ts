import type { KeyObject } from 'node:crypto';
import type { DatagramHeader } from './datagram.ts';
import { tagOf } from './frames.ts';
import { MessageReceiver } from './message-receiver.ts';
import { ReplayWindow } from './replay-window.ts';
import { sealKey } from './seal.ts';

/** Copies behind a balancer, and one that was restarted. */
const PROCESSES_MAX = 4;

/** What a gateway knows of one process of the centre. */
export interface CentreProcess {
  readonly key: KeyObject;
  /** Begins at a challenge that was fresh. */
  readonly window: ReplayWindow;
  readonly receiver: MessageReceiver;
  /** What names it in receipts. */
  readonly tag: Uint8Array;
}

/** The processes of the centre that have proved to be alive; beyond four, the one that did so first is forgotten. */
export class CentreProcesses {
  readonly #gateway: string;
  readonly #sharedKey: Uint8Array;
  readonly #bySalt = new Map<string, CentreProcess>();

  constructor(gateway: string, sharedKey: Uint8Array) {
    this.#gateway = gateway;
    this.#sharedKey = sharedKey;
  }

  [Symbol.iterator](): Iterator<CentreProcess> {
    return this.#bySalt.values();
  }

  find(salt: Uint8Array): CentreProcess | undefined {
    return this.#bySalt.get(nameOf(salt));
  }

  keyOf(salt: Uint8Array): KeyObject {
    const name: Omit<DatagramHeader, 'counter'> = { direction: 'down', gateway: this.#gateway, salt };
    return sealKey(this.#sharedKey, name);
  }

  /** The process whose fresh challenge had this counter; nothing that it sent before is taken from one that was unknown. */
  learn(salt: Uint8Array, counter: number): CentreProcess {
    const name = nameOf(salt);
    const process = this.#bySalt.get(name) ?? {
      key: this.keyOf(salt),
      window: new ReplayWindow(counter),
      receiver: new MessageReceiver(),
      tag: tagOf(salt),
    };
    this.#bySalt.delete(name);
    this.#bySalt.set(name, process);
    for (const oldest of this.#bySalt.keys()) {
      if (this.#bySalt.size <= PROCESSES_MAX) break;
      this.#bySalt.delete(oldest);
    }
    return process;
  }
}

function nameOf(salt: Uint8Array): string {
  return Buffer.from(salt.buffer, salt.byteOffset, salt.length).toString('hex');
}
