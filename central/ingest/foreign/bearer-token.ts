import { hash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { MooringError } from '../../../runtime/errors.ts';

/** Shorter ones can be guessed. */
const CHARS_MIN = 16;
const SCHEME = /^bearer +(\S+) *$/i;

/** A secret that whoever posts has to show as `Authorization: Bearer TOKEN` (RFC 6750). Only its hash is kept. */
export class BearerToken {
  readonly #hash: Buffer;

  constructor(token: string) {
    this.#hash = hash('sha256', token, 'buffer');
  }

  /**
   * The first line of a file, without blanks around it. Throws `CONFIG_UNREADABLE`, or `CONFIG_INVALID` where it is too short
   * or has a character that no header may hold.
   */
  static async read(path: string, whose = 'a source'): Promise<BearerToken> {
    let content: string;
    try {
      content = await readFile(path, 'utf8');
    } catch (cause) {
      throw new MooringError('CONFIG_UNREADABLE', `the token of ${whose} cannot be read`, {
        cause,
        context: { path, reason: (cause as NodeJS.ErrnoException).code },
        hint: `See that ${path} is there and that this user may read it.`,
      });
    }
    const token = (content.split(/\r?\n/, 1)[0] as string).trim();
    if (token.length >= CHARS_MIN && /^[\x21-\x7e]+$/.test(token)) return new BearerToken(token);
    throw new MooringError('CONFIG_INVALID', `the token of ${whose} cannot be used`, {
      context: { path },
      hint: `Write at least ${CHARS_MIN} letters and digits into the first line of ${path}: \`openssl rand -hex 32\`.`,
    });
  }

  /** Takes the same time whatever the header says. */
  matches(header: string | undefined): boolean {
    const [, shown = ''] = SCHEME.exec(header ?? '') ?? [];
    return timingSafeEqual(hash('sha256', shown, 'buffer'), this.#hash);
  }
}
