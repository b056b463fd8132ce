import { expect, test } from 'vitest';
import { withGateway } from './gateway-list.ts';

test('a gateway stands in the list once while it is enrolled, beside what others have written there', () => {
  const one = withGateway('', 'plaka', true);
  expect(one).toBe('plaka\n');
  expect(withGateway(one, 'plaka', true)).toBe(one);
  const written = '# the roofs\n\nkolonaki # new\r\nplaka-2\n';
  const both = withGateway(written, 'plaka', true);
  expect(both).toBe(`${written}plaka\n`);
  expect(withGateway(both, 'plaka', false)).toBe(written);
  expect(withGateway(written, 'kolonaki', true)).toBe(written);
  expect(withGateway(written, 'kolonaki', false)).toBe('# the roofs\n\nplaka-2\n');
  expect(withGateway('plaka', 'ikaros', true)).toBe('plaka\nikaros\n');
  expect(withGateway('', 'plaka', false)).toBe('');
});
