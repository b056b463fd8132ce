import assert from 'node:assert/strict';
import process from 'node:process';
import { type Failure, type Reply, systemCodeOf } from './messages.ts';

/**
 * The child's end: answers one question after the other until the daemon is gone. Its calls may block for as long as the
 * kernel likes. An error without a system's code is a bug and ends the process.
 */
export function serve<Question, Answer>(answer: (question: Question) => Answer | Promise<Answer>): void {
  assert(process.send !== undefined, 'run as a child');
  // A terminal's Ctrl-C and systemd's stop reach every process, and the daemon needs its buses until its own end. When it
  // has ended, its channel closes and nothing is left that keeps this process alive.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  process.on('message', (question: Question) => {
    void replyTo(question, answer).then(send);
  });
}

async function replyTo<Question, Answer>(
  question: Question,
  answer: (question: Question) => Answer | Promise<Answer>,
): Promise<Reply<Answer>> {
  try {
    return { answer: await answer(question) };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

function send(reply: Reply<unknown>): void {
  // The daemon may have ended meanwhile: then there is nobody to tell.
  process.send?.(reply, undefined, undefined, () => undefined);
}

function failureOf(error: unknown): Failure {
  const code = systemCodeOf(error);
  if (code === undefined) throw error;
  return { code, message: (error as Error).message };
}
