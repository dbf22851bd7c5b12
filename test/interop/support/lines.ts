/**
 * Records as the lines that clients print, and topics to put them in.
 */

let count = 0

/** A topic name that no other test has. */
export function topicName (what: string): string {
  return `${what}-${process.pid}-${++count}`
}

/** `line 0` to `line n-1`, each a little different in length. */
export function numberedLines (n: number): string[] {
  return Array.from({ length: n }, (_, i) => `line ${i} ${'abcdefghij'.slice(0, i % 11)}`.trimEnd())
}

export const linesOf = (text: string): string[] => text.split('\n').filter(line => line !== '')
