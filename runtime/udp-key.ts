import { type FileHandle, open } from 'node:fs/promises';
import { MooringError } from './errors.ts';

export const UDP_KEY_BYTES = 32;

const KEY = new RegExp(`^[0-9a-f]{${2 * UDP_KEY_BYTES}}$`, 'i');
/** A key as hex, with room for a line's end and for seeing that there is more. */
const READ_BYTES = 2 * UDP_KEY_BYTES + 16;
const GROUP_OR_OTHERS = 0o077;

/**
 * Reads the key that a gateway and its centre share over UDP: 32 bytes in hex, in a file that only its owner may use.
 * Throws `UDP_KEY_UNUSABLE`, which says what is wrong with the file and nothing of what is in it.
 */
export async function readUdpKey(path: string): Promise<Uint8Array> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    const isAbsent = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw unusable(path, isAbsent ? 'is not there' : 'cannot be read', isAbsent ? HOW_TO_MAKE : WHOSE, cause);
  }
  try {
    return await keyIn(file, path);
  } finally {
    await file.close();
  }
}

async function keyIn(file: FileHandle, path: string): Promise<Uint8Array> {
  const status = await file.stat();
  if (!status.isFile()) throw unusable(path, 'is no file', HOW_TO_MAKE);
  if ((status.mode & GROUP_OR_OTHERS) !== 0) {
    throw unusable(
      path,
      'may be used by others than its owner',
      `\`chmod 600 ${path}\`, and make a new key if it leaked.`,
    );
  }
  const { buffer, bytesRead } = await file.read(Buffer.alloc(READ_BYTES), 0, READ_BYTES, 0);
  const text = buffer.toString('latin1', 0, bytesRead).trim();
  if (!KEY.test(text)) throw unusable(path, `does not hold ${UDP_KEY_BYTES} bytes in hex`, HOW_TO_MAKE);
  return new Uint8Array(Buffer.from(text, 'hex'));
}

const HOW_TO_MAKE = 'Make one with `openssl rand -hex 32`, mode 0600, the same for the gateway and its centre.';
const WHOSE = 'See that it belongs to the user that runs this program.';

function unusable(path: string, what: string, hint: string, cause?: unknown): MooringError {
  const options = { context: { path }, hint, ...(cause === undefined ? {} : { cause }) };
  return new MooringError('UDP_KEY_UNUSABLE', `the UDP key ${what}`, options);
}
