import type { Position } from './lines.ts';

/** A line that begins in another column than what it stands beside. */
export interface Misindented extends Position {
  readonly message: string;
  readonly hint: string;
}

interface Begun {
  /** Counted from 0. */
  readonly indent: number;
  readonly line: number;
  /** The key; '' for an entry of a list. */
  readonly name: string;
}

/** Entries and the key of a line: `- - name:`, with whatever follows. */
const LINE = /^( *)((?:- +|-$)*)(?:("[^"]*"|'[^']*'|[\w.-]+)[ ]*:(?=\s|$)(.*))?/;
/** What may stand after a colon where the value goes on, or begins, in the next line. */
const BEGINS_BELOW = /^\s*(?:[&!|>#].*)?$/;

/**
 * The first line of a block that begins in no column where one may. Looks at lines only, and knows neither brackets nor
 * text of several lines: it explains a mistake that is known to be near, and finds none by itself.
 */
export function misindentedNear(text: string, line: number): Misindented | undefined {
  const begun: Begun[] = [];
  let beginsBelow = true;
  // A parser notices a key that is too far to the right at the line before it.
  for (const [index, content] of text.split(/\r?\n/, line + 1).entries()) {
    const [, spaces = '', dashes = '', name, value = ''] = LINE.exec(content) ?? [];
    if (dashes === '' && name === undefined) {
      if (!/^\s*(#|$)/.test(content)) beginsBelow = true;
      continue;
    }
    const indent = spaces.length;
    const left = begun.splice(begun.findLastIndex((each) => each.indent <= indent) + 1);
    const above = begun.at(-1);
    const isDeeper = above === undefined || above.indent < indent;
    const beside = left[0] ?? (beginsBelow ? undefined : above);
    if (isDeeper && beside !== undefined && index >= line - 1) {
      return misindented(index + 1, indent, dashes !== '', beside);
    }
    if (!isDeeper) begun.pop();
    for (const { index: at } of dashes.matchAll(/-/g)) begun.push({ indent: indent + at, line: index + 1, name: '' });
    if (name !== undefined) begun.push({ indent: indent + dashes.length, line: index + 1, name });
    beginsBelow = name === undefined || BEGINS_BELOW.test(value);
  }
  return undefined;
}

function misindented(line: number, indent: number, isEntry: boolean, beside: Begun): Misindented {
  const what = beside.name === '' ? 'the entry' : `\`${beside.name}\``;
  return {
    line,
    column: indent + 1,
    message: `is indented differently from the ${isEntry ? 'entries' : 'keys'} beside it`,
    hint: `Compare with ${what} in line ${beside.line}, which begins in column ${beside.indent + 1}.`,
  };
}
