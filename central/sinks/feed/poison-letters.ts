/** A message of a topic that a sink will never be able to take. */
export interface PoisonLetter {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Name of the sink that cannot take it. */
  readonly sink: string;
  /** As it stands in the topic: it may be no text. */
  readonly value: Uint8Array;
  /** For people. */
  readonly reason: string;
}

/** Where such messages stay. */
export interface PoisonLetters {
  /**
   * Resolves when every one is durable: only then does the sink read on. Rejects with a `MooringError`; the same ones come
   * again then, and may come again after a crash: topic, partition, offset and sink name a letter.
   */
  appendMessages(letters: readonly PoisonLetter[]): Promise<void>;
}
