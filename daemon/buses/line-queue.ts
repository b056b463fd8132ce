import { BoundedQueue } from './bounded-queue.ts';

/** Lines on their way from a port to whoever reads them; at most `linesMax` wait. */
export class LineQueue extends BoundedQueue<string> {
  constructor(linesMax: number) {
    super(linesMax, () => 1);
  }
}
