import { ProtocolError, type ProtocolErrorCode } from '../../protocol/errors.ts';

/** The code of the protocol's error that `run` throws; undefined where it throws none. */
export function codeOf(run: () => unknown): ProtocolErrorCode | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return undefined;
}
