/**
 * What commands print: tables for people, JSON for machines.
 */
import type { Readable } from 'node:stream'

/** Standard input and output, or what stands for them in a test. */
export interface Streams {
  readonly stdin: Readable & { readonly isTTY?: boolean, setRawMode?: (on: boolean) => unknown }
  readonly stdout: { write (text: string): unknown }
  readonly stderr: { write (text: string): unknown }
}

export class Output {
  readonly isJson: boolean
  readonly #streams: Streams

  constructor (streams: Streams, isJson: boolean) {
    this.#streams = streams
    this.isJson = isJson
  }

  /** The answer as JSON, if that was asked for; else the lines. */
  print (answer: unknown, lines: () => readonly string[]): void {
    const text = this.isJson ? JSON.stringify(answer ?? null, null, 2) : lines().map(printable).join('\n')
    if (text !== '') this.#streams.stdout.write(`${text}\n`)
  }
}

/** Columns under their titles, as wide as what is in them. */
export function table (titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = [titles, ...rows].map(row => row.map(printable))
  const widths = titles.map((_, i) => Math.max(...cells.map(row => row[i]!.length)))
  return cells.map(row => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  ').trimEnd())
}

/** Names come from others: none of them moves the cursor of this terminal. */
const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, character => `\\u{${character.codePointAt(0)!.toString(16)}}`)
