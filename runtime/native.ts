import koffi from 'koffi';

/**
 * The few calls of the C library that Node does not have. koffi is imported here and nowhere else, and a missing
 * binary is found at start rather than at the first use. They are those that Node itself would call, a preloaded library's too.
 */
const libc = koffi.load(null);

const flockOfLibc = libc.func('int flock(int fd, int op)');

/** `LOCK_EX | LOCK_NB` of `flock(2)`: exclusive, and an error rather than a wait. */
export const FLOCK_AT_ONCE: number = 2 | 4;

/** `flock(2)`: 0, or -1 with `errno`. */
export const flock: (fileDescriptor: number, operation: number) => number = flockOfLibc;

/** `flock(2)` in a thread of libuv's pool, for a mount that may not answer; resolves with 0 or with `errno`. */
export function flockAside(fileDescriptor: number, operation: number): Promise<number> {
  return new Promise((resolve, reject) => {
    flockOfLibc.async(fileDescriptor, operation, (error: Error | null, result: number) => {
      // koffi has brought the thread's `errno` along.
      if (error === null) resolve(result === 0 ? 0 : koffi.errno());
      else reject(error);
    });
  });
}

/** The C library's `errno` of this thread, right after a call. */
export function errno(): number {
  return koffi.errno();
}

/** Another function of the C library, by its C prototype; for the one caller that needs it. */
export function libcFunction(prototype: string): (...parameters: never[]) => number {
  return libc.func(prototype) as (...parameters: never[]) => number;
}

/** Where a buffer stands in memory, for structures of the C library that hold pointers. It must outlive the call. */
export function addressOf(buffer: Buffer): bigint {
  return koffi.address(buffer);
}
