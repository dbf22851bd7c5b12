/**
 * JSON that keeps its numbers. `JSON.parse` rounds what does not fit a double, so where a text may hold such a number, each
 * is kept as the characters it was written with, and written back as those.
 */

/** Numbers of more than 15 digits, and exponents that may be out of range. */
const MAY_LOSE_DIGITS = /[\d.]{16}|[eE][+-]?\d{3}/

// JSON.parse source text access (ECMAScript 2026), which TypeScript does not know yet.
const { rawJSON, parse } = JSON as unknown as {
  rawJSON: (text: string) => unknown
  parse: (text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown) => unknown
}

/** Throws SyntaxError. What comes out is for `JSON.stringify`: numbers that a double cannot hold are opaque objects. */
export function parseExact (text: string): unknown {
  if (!MAY_LOSE_DIGITS.test(text)) return JSON.parse(text)
  return parse(text, (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? rawJSON(source) : value)
}
