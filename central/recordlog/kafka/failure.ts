import { type Clock, withDeadline } from '../../../runtime/clock.ts';
import { type ErrorCode, MooringError } from '../../../runtime/errors.ts';

/** What a package's error says, beside its text. */
export interface Finding {
  /** Kafka's own number of the error, where a broker has answered with one. */
  readonly brokerCode?: number;
  /** By the package's own word, no other try will do: the broker speaks otherwise, or knows nobody of this name. */
  readonly isUnfit?: boolean;
  /** One word for the log: `unknown_topic`, `econnrefused`, `timeout`. */
  readonly reason: string;
}

/** Reads one error of a package, not what lies beneath it. Undefined where it says nothing of its own. */
export type FindingOf = (error: Error) => Finding | undefined;

/**
 * Kafka's error numbers that another try does not change, and what they mean here (Kafka protocol guide, "Error codes").
 * Whatever is not among them may pass by itself.
 */
const LASTING: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  ...codesOf('LOG_REFUSED', [10, 18, 32, 87]),
  ...codesOf('LOG_EXPIRED', [1]),
  ...codesOf('LOG_UNFIT', [17, 24, 26, 29, 30, 31, 33, 34, 35, 37, 39, 40, 43, 44, 53, 54, 58, 65]),
]);

/** Fewer brokers than replicas: of a cluster that is still starting, or never had more. */
const TOO_FEW_BROKERS = 38;

/** No such topic, by its name or by its id. */
const UNKNOWN_TOPIC: ReadonlySet<number | undefined> = new Set([3, 100]);

const HINTS: Partial<Record<ErrorCode, string>> = {
  LOG_UNFIT: 'The broker does not let this program do that. context.reason has its own word for it.',
  LOG_EXPIRED: 'What was to be read next is not in the topic. Look at its retention, and at who deletes from it.',
};

const TOO_FEW_BROKERS_HINT =
  'There are fewer brokers now than `kafka.replication` asks for. Where there will never be more, write a lower one.';

/**
 * A package's error as one of ours: `LOG_FAILED`, `LOG_REFUSED`, `LOG_UNFIT` or `LOG_EXPIRED`, with a word of the reason in
 * the context. A call fails for several reasons at once at times: the one that lasts counts.
 */
export function kafkaFailure(message: string, error: unknown, findingOf: FindingOf): MooringError {
  if (error instanceof MooringError) return error;
  const findings = [...errorsIn(error)].flatMap((one) => findingOf(one) ?? []);
  const lasting = findings.find((finding) => lastingCode(finding) !== undefined);
  const code = (lasting && lastingCode(lasting)) ?? 'LOG_FAILED';
  const missing = findings.find(
    ({ brokerCode, reason }) => UNKNOWN_TOPIC.has(brokerCode) || reason === 'unknown_topic',
  );
  const reason = lasting?.reason ?? (missing && 'unknown_topic') ?? findings.at(-1)?.reason ?? 'unknown';
  const hasTooFewBrokers = findings.some(({ brokerCode }) => brokerCode === TOO_FEW_BROKERS);
  const hint = HINTS[code] ?? (hasTooFewBrokers ? TOO_FEW_BROKERS_HINT : undefined);
  return new MooringError(code, message, {
    cause: error,
    context: { reason },
    ...(hint === undefined ? {} : { hint }),
  });
}

function lastingCode({ brokerCode, isUnfit = false }: Finding): ErrorCode | undefined {
  return isUnfit ? 'LOG_UNFIT' : LASTING.get(brokerCode ?? 0);
}

/** Whether a topic is not there. */
export function isUnknownTopic(error: unknown): boolean {
  return error instanceof MooringError && error.context.reason === 'unknown_topic';
}

/** A call of a package that ends in time, and whose failure is one of ours. */
export type Ask = <T>(message: string, withinMs: number, work: () => Promise<T>) => Promise<T>;

/** Both packages have calls that never settle: nothing of theirs is awaited but through this. */
export function asking(clock: Clock, findingOf: FindingOf): Ask {
  return async (message, withinMs, work) => {
    const silent = (): Error => new MooringError('LOG_FAILED', message, { context: { reason: 'deadline', withinMs } });
    try {
      return await withDeadline(clock, withinMs, work(), silent);
    } catch (error) {
      throw kafkaFailure(message, error, findingOf);
    }
  };
}

/** The error and all that lies beneath it, outermost first. */
function* errorsIn(error: unknown, seen: Set<unknown> = new Set()): Iterable<Error> {
  if (!(error instanceof Error) || seen.has(error)) return;
  seen.add(error);
  yield error;
  const { errors } = error as { errors?: unknown };
  if (Array.isArray(errors)) for (const one of errors) yield* errorsIn(one, seen);
  yield* errorsIn(error.cause, seen);
}

function codesOf(code: ErrorCode, numbers: readonly number[]): [number, ErrorCode][] {
  return numbers.map((number) => [number, code]);
}
