/** Where batches come in, and acks go out. */
export interface Ingest {
  /** Rejects with a `MooringError` where it can never work as it is configured; a peer that is away is no error. */
  open(signal: AbortSignal): Promise<void>;
  status(): IngestStatus;
  /** Sends what acks there are, as far as that goes at once, then lets go. Safe whether or not `open` succeeded. */
  close(): Promise<void>;
}

/** What takes batches: `Intake`, or a test's stand-in. */
export interface BatchReceiver {
  /**
   * Throws nothing, and waits for nothing. `answer` is called with each ack: at once, later, never; where records are held,
   * also hours later, through whatever connection there is then.
   */
  receive(gateway: string, bytes: Uint8Array, answer: (ack: Uint8Array) => void, route?: Route): void;
}

/** Where batches of one run that are held may be answered together. */
export interface Route {
  /** The same object for all batches that came the same way, and so from one forwarder. */
  readonly way: object;
  /** Takes acks that speak of other batches too; `answer` when left out. */
  readonly answerMany?: (ack: Uint8Array) => void;
  /** What is held of this batch has been said. */
  readonly onHeld?: () => void;
}

export type IngestStatus = EmbeddedBrokerStatus | BrokerLinkStatus | UdpIngestStatus;

export interface EmbeddedBrokerStatus {
  readonly mode: 'embedded';
  /** Undefined until it listens, and after it was closed. */
  readonly address: { readonly host: string; readonly port: number } | undefined;
  /** What a client writes to get here: `mqtt://127.0.0.1:1883`. */
  readonly url: string | undefined;
  readonly connections: number;
  /** Connections, packets and subscriptions that were refused. */
  readonly refused: number;
}

export interface BrokerLinkStatus {
  readonly mode: 'client';
  readonly url: string;
  readonly isConnected: boolean;
  /** Acks that had no place to go to: their gateways send again. */
  readonly acksDropped: number;
}

export interface UdpIngestStatus {
  readonly mode: 'udp';
  /** Undefined until it listens, and after it was closed. */
  readonly address: { readonly host: string; readonly port: number } | undefined;
  /** Gateways that have a usable key. */
  readonly gateways: number;
  /** Processes of gateways that are heard. */
  readonly sessions: number;
  /** Datagrams that were taken. */
  readonly received: number;
  /** Batches that were handed on, each once. */
  readonly delivered: number;
  /** Datagrams that were refused, without an answer. */
  readonly refused: UdpRefusals;
  /** Acks that had no place to go to: their gateways send again. */
  readonly acksDropped: number;
}

export interface UdpRefusals {
  /** None of this protocol. */
  readonly garbage: number;
  /** Of a centre, sent back to it. */
  readonly reflected: number;
  readonly unknownGateway: number;
  /** Not sealed with the gateway's key, or damaged. */
  readonly forged: number;
  /** Seen before, or too old to tell; also what a network has doubled. */
  readonly replayed: number;
  /** Authentic and without a session, and too small or too many to be challenged. */
  readonly unchallenged: number;
}
