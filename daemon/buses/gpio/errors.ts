import { type ErrorCode, MooringError } from '../../../runtime/errors.ts';

interface Failure {
  readonly words: RegExp;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

const BUSY: Failure = {
  words: /resource busy|EBUSY/,
  code: 'PORT_BUSY',
  message: 'another program or a driver of the kernel has the GPIO line',
  hint: '`gpioinfo` names who has it; an overlay in config.txt (SPI, 1-Wire, a fan) takes lines too.',
};

const PERMISSION: Failure = {
  words: /Permission denied|not permitted|EACCES|EPERM/,
  code: 'PORT_PERMISSION',
  message: 'this user may not use GPIO lines',
  hint: 'Add the user to the group that owns /dev/gpiochip*: `sudo usermod -aG gpio USER`, then log in or start the service again.',
};

const ABSENT: Failure = {
  words: /No such file|No such device|cannot find|out of range|Invalid argument|ENOENT|ENODEV|EINVAL/,
  code: 'PORT_ABSENT',
  message: 'there is no such GPIO line',
  hint: '`gpiodetect` lists the chips by label, `gpioinfo` their lines by name.',
};

/** The tools of libgpiod, and Node, put the C library's words for the errno into what they say. */
const FAILURES = [BUSY, PERMISSION, ABSENT];

/** The operating error for what a tool said of a line; `otherwise` where its words are not known. */
export function lineError(line: string, said: string, otherwise: ErrorCode): MooringError {
  const words = said.trim();
  const context = { line, ...(words === '' ? {} : { said: words }) };
  const failure = FAILURES.find(({ words: known }) => known.test(words));
  if (failure === undefined) return new MooringError(otherwise, 'the GPIO line does not work', { context });
  return new MooringError(failure.code, failure.message, { context, hint: failure.hint });
}

/** A line that others have. */
export function busyError(line: string, usedBy: string): MooringError {
  const { message, hint } = BUSY;
  return new MooringError('PORT_BUSY', message, { context: { line, usedBy }, hint });
}

/** No line has that name. `near` says what there is. */
export function absentError(line: string, near: string): MooringError {
  return new MooringError('PORT_ABSENT', ABSENT.message, {
    context: { line, near },
    hint: ABSENT.hint,
  });
}

/** Two lines have that name. */
export function ambiguousError(line: string, found: readonly string[]): MooringError {
  return new MooringError('PORT_ABSENT', 'more than one GPIO line has this name', {
    context: { line, found },
    hint: 'Write the label of the chip and the offset instead: `pinctrl-bcm2711/17`; `gpiodetect` lists the labels.',
  });
}

/** A line that was open and is gone. */
export function lostError(line: string, said: string): MooringError {
  const words = said.trim();
  return new MooringError('PORT_LOST', 'the GPIO line is gone', {
    context: { line, ...(words === '' ? {} : { said: words }) },
    hint: 'Its chip was unplugged, or the program that listens to it was ended. It is opened again by its name.',
  });
}
