/**
 * The words of a .proto file (protobuf.dev/reference/protobuf/proto3-spec, "Lexical Elements"). Strings keep their bytes and
 * numbers their digits.
 */
import { SchemaError } from '../format.ts'

export interface Token {
  /** `end` stands behind the last one. */
  readonly kind: 'name' | 'integer' | 'float' | 'string' | 'symbol' | 'end'
  /** As written; of a string what is between the quotes. */
  readonly text: string
  readonly line: number
}

const BLANK = /(?:\s+|\/\/[^\n]*)+/y
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y
const NUMBER = /0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y
const INTEGER = /^(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/
const STRING = /"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'/y
const SYMBOLS = '{}[]()<>;,.=:-+/'

export class Lexer {
  readonly #text: string
  #at = 0
  #line = 1
  #next: Token | undefined

  constructor (text: string) {
    this.#text = text
  }

  peek (): Token {
    this.#next ??= this.#read()
    return this.#next
  }

  next (): Token {
    const token = this.peek()
    this.#next = undefined
    return token
  }

  #read (): Token {
    this.#skipBlank()
    const text = this.#text
    const line = this.#line
    if (this.#at >= text.length) return { kind: 'end', text: 'the end of the file', line }
    const name = this.#match(NAME)
    if (name !== null) return { kind: 'name', text: name, line }
    const first = text.charAt(this.#at)
    if (first === '"' || first === "'") {
      const string = this.#match(STRING)
      if (string === null) throw new SchemaError(`line ${line}: a string has no end: expected another ${first} on the same line`)
      return { kind: 'string', text: string.slice(1, -1), line }
    }
    const number = this.#match(NUMBER)
    if (number !== null) {
      if (/[A-Za-z_]/.test(text.charAt(this.#at)) && !/^[fF]\W/.test(text.slice(this.#at, this.#at + 2))) {
        throw new SchemaError(`line ${line}: expected a number, found "${number}${text.charAt(this.#at)}"`)
      }
      if (/[fF]/.test(text.charAt(this.#at))) this.#at++
      return { kind: INTEGER.test(number) ? 'integer' : 'float', text: number, line }
    }
    if (!SYMBOLS.includes(first)) throw new SchemaError(`line ${line}: ${JSON.stringify(first)} has no meaning in a .proto file`)
    this.#at++
    return { kind: 'symbol', text: first, line }
  }

  #skipBlank (): void {
    for (;;) {
      const blank = this.#match(BLANK)
      if (blank !== null) this.#countLines(blank)
      if (!this.#text.startsWith('/*', this.#at)) return
      const end = this.#text.indexOf('*/', this.#at + 2)
      if (end === -1) throw new SchemaError(`line ${this.#line}: a comment has no end: expected */`)
      this.#countLines(this.#text.slice(this.#at, end))
      this.#at = end + 2
    }
  }

  #match (pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? null
    if (found !== null) this.#at += found.length
    return found
  }

  #countLines (text: string): void {
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) this.#line++
  }
}

const ESCAPES: Readonly<Record<string, number>> = {
  a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '?': 63, '\\': 92, "'": 39, '"': 34
}
const ESCAPE = /\\(?:[xX]([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^xXuU]))/yu

/** What a string stands for, given what is between its quotes. Throws SchemaError. */
export function bytesOf (quoted: string): Buffer {
  if (!quoted.includes('\\')) return Buffer.from(quoted)
  // No escape sequence takes less than what it stands for.
  const bytes = Buffer.alloc(Buffer.byteLength(quoted))
  let length = 0
  for (let at = 0; at < quoted.length;) {
    const next = quoted.indexOf('\\', at)
    length += bytes.write(quoted.slice(at, next === -1 ? undefined : next), length)
    if (next === -1) break
    ESCAPE.lastIndex = next
    const found = ESCAPE.exec(quoted)
    const [whole = '', hex, octal, short, long, letter = ''] = found ?? []
    const code = parseInt(short ?? long ?? '', 16)
    const byte = hex !== undefined ? parseInt(hex, 16) : octal !== undefined ? parseInt(octal, 8) & 0xff : ESCAPES[letter]
    if (byte !== undefined) length = bytes.writeUInt8(byte, length)
    else if (code <= 0x10ffff) length += bytes.write(String.fromCodePoint(code), length)
    else throw new SchemaError(`${quoted.slice(next, next + 2)} begins no escape sequence of .proto strings`)
    at = next + whole.length
  }
  return bytes.subarray(0, length)
}

/** Bytes as a .proto string writes them, quotes included. Text stays readable. */
export function quote (bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString()
  if (Buffer.from(text).equals(bytes)) {
    // eslint-disable-next-line no-control-regex -- these are what has to be escaped
    return `"${text.replace(/["\\\x00-\x1f\x7f]/g, (c) => c === '\n' ? '\\n' : c === '"' || c === '\\' ? `\\${c}` : octal(c.charCodeAt(0)))}"`
  }
  let quoted = '"'
  for (const byte of bytes) quoted += byte < 32 || byte > 126 || byte === 34 || byte === 92 ? octal(byte) : String.fromCharCode(byte)
  return `${quoted}"`
}

const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, '0')}`
