import type { Socket } from 'node:net';

/** Sockets at once: so many in all, and so many of one owner. Who comes beyond that takes the place of the oldest. */
export class SocketQuota {
  readonly #max: number;
  readonly #maxOfOwner: number;
  /** Oldest first. */
  readonly #owners = new Map<Socket, string>();

  constructor(max: number, maxOfOwner: number) {
    this.#max = max;
    this.#maxOfOwner = maxOfOwner;
  }

  /** Counts a socket until it closes. Returns the one that has to give way, which is no longer counted. */
  add(socket: Socket, owner: string): Socket | undefined {
    const oldest = this.#oldestBeyond(owner);
    if (oldest !== undefined) this.#owners.delete(oldest);
    this.#owners.set(socket, owner);
    socket.once('close', () => this.#owners.delete(socket));
    return oldest;
  }

  delete(socket: Socket): void {
    this.#owners.delete(socket);
  }

  #oldestBeyond(owner: string): Socket | undefined {
    const ofOwner = [...this.#owners].filter(([, other]) => other === owner);
    if (ofOwner.length >= this.#maxOfOwner) return ofOwner[0]?.[0];
    return this.#owners.size >= this.#max ? this.#owners.keys().next().value : undefined;
  }
}
