/** A child of the tests of `daemon/buses/child`: does what it is told. */
import { readFileSync } from 'node:fs';
import { serve } from '../daemon/buses/child/serve.ts';

export type Order =
  | { readonly ask: 'echo'; readonly value: unknown }
  | { readonly ask: 'read'; readonly path: string }
  | { readonly ask: 'hang' }
  | { readonly ask: 'fault' };

const nothing = new Int32Array(new SharedArrayBuffer(4));

serve((order: Order): unknown => {
  switch (order.ask) {
    case 'echo':
      return order.value;
    case 'read':
      return readFileSync(order.path, 'utf8');
    case 'hang':
      return Atomics.wait(nothing, 0, 0);
    case 'fault':
      throw new TypeError('a fault in the program, which a test made on purpose');
  }
});
