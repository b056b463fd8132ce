import { connect, type Socket } from 'node:net';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Message {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
  readonly event?: string;
  readonly QMP?: unknown;
}

/** Questions and answers as lines of JSON on a Unix socket: what QEMU's monitor and its guest agent both speak. */
export class JsonSocket {
  readonly #socket: Socket;
  readonly #waiting: Waiting[] = [];
  readonly #onEvent = new Set<(name: string) => void>();
  #text = '';
  #end: Error | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => this.#take(chunk));
    socket.on('error', (error) => this.#close(error));
    socket.on('close', () => this.#close(new Error('the socket was closed')));
  }

  static async connect(path: string): Promise<JsonSocket> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new JsonSocket(socket);
  }

  async call(execute: string, args?: object): Promise<unknown> {
    if (this.#end !== undefined) throw this.#end;
    return await new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${JSON.stringify(args === undefined ? { execute } : { execute, arguments: args })}\n`);
    });
  }

  /** Resolves at the next event of that name. */
  async event(name: string): Promise<void> {
    await new Promise<void>((resolve) => {
      const hear = (each: string): void => {
        if (each !== name) return;
        this.#onEvent.delete(hear);
        resolve();
      };
      this.#onEvent.add(hear);
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  #take(chunk: string): void {
    const lines = (this.#text + chunk).split('\n');
    this.#text = lines.pop() as string;
    for (const line of lines) {
      const start = line.indexOf('{');
      if (start >= 0) this.#hear(JSON.parse(line.slice(start)) as Message);
    }
  }

  #hear(message: Message): void {
    if (message.event !== undefined) {
      for (const hear of [...this.#onEvent]) hear(message.event);
      return;
    }
    if (message.QMP !== undefined) return;
    const next = this.#waiting.shift();
    if (message.error === undefined) next?.resolve(message.return);
    else next?.reject(new Error(message.error.desc));
  }

  #close(error: Error): void {
    this.#end ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#end);
  }
}
