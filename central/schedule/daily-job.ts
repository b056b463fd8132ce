/** What is done once a day for a sink. */
export interface DailyJob {
  readonly kind: 'manifests' | 'retention';
  /** Name of the sink. */
  readonly sink: string;
  /**
   * Resolves with whether it was done: what cannot be done yet is asked for again within minutes. Rejects with a
   * `MooringError`, or with the signal's reason; it is tried again a day later, and at the next start.
   */
  run(signal: AbortSignal): Promise<boolean>;
}

/** Where jobs are handed in by whoever can do them. */
export interface DailyJobs {
  /** One job of a kind for each sink. Returns what ends it: resolved when it does not run any more. */
  add(job: DailyJob): () => Promise<void>;
}

export interface JobStatus extends Pick<DailyJob, 'kind' | 'sink'> {
  /** Since this process began. */
  readonly done: number;
  readonly failed: number;
  /** The last try has failed. */
  readonly isFailing: boolean;
  /** When it was done last, as far as anybody remembers, UTC milliseconds. */
  readonly doneMs: number | undefined;
}
