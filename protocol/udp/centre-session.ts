import type { KeyObject } from 'node:crypto';
import type { DatagramHeader } from './datagram.ts';
import type { Carriage, Frame } from './frames.ts';
import { MessageReceiver } from './message-receiver.ts';
import { MessageSender } from './message-sender.ts';
import { nextCarriage } from './next-carriage.ts';
import { ReplayWindow } from './replay-window.ts';

/** A gateway that has not taken a reply for so long asks again by itself. */
const REPLY_LIFE_MS = 60_000;

export interface CentreSessionOptions<Address> {
  readonly gateway: string;
  /** Names it among the sessions of its gateway: the salt of the gateway's process. */
  readonly name: string;
  readonly salt: Uint8Array;
  /** Opens what that process has sealed. */
  readonly key: KeyObject;
  /** Of the echo. */
  readonly counter: number;
  readonly nonce: Uint8Array;
  readonly address: Address;
  /** No message with a lower number was ever sent to this gateway. */
  readonly firstNumber: number;
  readonly nowMs: number;
}

/** The centre's end of the link to one process of a gateway that has echoed a challenge. */
export class CentreSession<Address> {
  readonly gateway: string;
  readonly name: string;
  readonly salt: Uint8Array;
  readonly key: KeyObject;
  readonly window: ReplayWindow;
  readonly sender: MessageSender;
  readonly receiver = new MessageReceiver();
  /** That of the newest authentic datagram: what a network translates may move. */
  address: Address;
  /** What the gateway has echoed, to tell a repeated echo. */
  nonce: Uint8Array;
  lastHeardMs: number;

  constructor(options: CentreSessionOptions<Address>) {
    this.gateway = options.gateway;
    this.name = options.name;
    this.salt = options.salt;
    this.key = options.key;
    this.window = new ReplayWindow(options.counter);
    this.sender = new MessageSender({ firstNumber: options.firstNumber, messageLifeMs: REPLY_LIFE_MS });
    this.address = options.address;
    this.nonce = options.nonce;
    this.lastHeardMs = options.nowMs;
  }

  /** This datagram is new and was authentic. */
  heard({ counter }: DatagramHeader, address: Address, nowMs: number): void {
    if (counter > this.window.newest) this.address = address;
    this.window.see(counter);
    this.lastHeardMs = nowMs;
  }

  /** The message in it, where it is one to deliver; how it came, where it is one at all. */
  take({ message, receipts }: Carriage, tag: Uint8Array, nowMs: number): 'none' | 'new' | 'duplicate' | 'outside' {
    // Receipts for another copy of the centre name other messages.
    if (receipts?.tag !== undefined && Buffer.compare(receipts.tag, tag) === 0) this.sender.receive(receipts, nowMs);
    return message === undefined ? 'none' : this.receiver.take(message, nowMs);
  }

  /** What leaves now; undefined where nothing does. */
  next(nowMs: number): Frame | undefined {
    return nextCarriage({ gateway: this.gateway, sender: this.sender, receiver: this.receiver }, nowMs);
  }

  nextDueMs(): number {
    return Math.min(this.receiver.receiptDueMs, this.sender.nextDueMs());
  }
}
