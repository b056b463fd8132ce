import { Agent, request } from 'undici';

/** One connection to a server that speaks HTTP, kept alive; any answer but one of the 200s throws. */
export class HttpByHand {
  readonly #url: string;
  readonly #agent = new Agent({ connections: 1 });

  constructor(url: string) {
    this.#url = url;
  }

  async send(method: 'POST' | 'PUT', path: string, contentType: string, body: string | Buffer): Promise<string> {
    const url = path.startsWith('http') ? path : `${this.#url}${path}`;
    const headers = { 'content-type': contentType, accept: 'application/json' };
    const answer = await request(url, { dispatcher: this.#agent, method, headers, body });
    const text = await answer.body.text();
    if (answer.statusCode < 200 || answer.statusCode >= 300) throw new Error(`${answer.statusCode} ${text}`);
    return text;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
