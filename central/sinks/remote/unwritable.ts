/** A record that a store cannot hold, however often it is tried: the message says why, and goes to the dead letter with it. */
export class Unwritable extends Error {
  override readonly name = 'Unwritable';
}
