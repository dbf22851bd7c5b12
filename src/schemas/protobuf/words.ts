/**
 * What every rule of the grammar needs: expect a word, read a name, a number, a string, an option.
 */
import { create } from '@bufbuild/protobuf'
import type { UninterpretedOption } from '@bufbuild/protobuf/wkt'

import { UninterpretedOption_NamePartSchema as NamePartSchema, UninterpretedOptionSchema } from '@bufbuild/protobuf/wkt'

import { SchemaError } from '../format.ts'
import type { Token } from './lexer.ts'
import { bytesOf, Lexer, quote } from './lexer.ts'
import { MAX_ELEMENTS, MAX_FULL_NAME, MAX_NAME, MAX_NESTING } from './limits.ts'

/** What may still be read of a schema and all that it refers to. */
export interface Budget { elements: number }

export class Words {
  readonly #lexer: Lexer
  readonly #budget: Budget
  #depth = 0

  constructor (text: string, budget: Budget) {
    this.#lexer = new Lexer(text)
    this.#budget = budget
  }

  peek (): Token {
    return this.#lexer.peek()
  }

  /** Whether the next word is `text`, which is then read. */
  accept (text: string): boolean {
    const { kind, text: found } = this.peek()
    if (found !== text || kind === 'string' || kind === 'end') return false
    this.#lexer.next()
    return true
  }

  expect (text: string): void {
    if (!this.accept(text)) this.fail(`"${text}"`)
  }

  /** Throws SchemaError: something else than `expected` stands here. */
  fail (expected: string): never {
    const { kind, text, line } = this.peek()
    throw new SchemaError(`line ${line}: expected ${expected}, found ${kind === 'end' ? text : JSON.stringify(text.slice(0, 60))}`)
  }

  /** To be called for each part: refuses a schema of too many. */
  count (): void {
    if (--this.#budget.elements < 0) throw new SchemaError(`the schema and its references have more than ${MAX_ELEMENTS} parts: split it`)
  }

  /** Runs `read` one level deeper. */
  nested<T> (read: () => T): T {
    if (++this.#depth > MAX_NESTING) throw new SchemaError(`line ${this.peek().line}: nested deeper than ${MAX_NESTING} levels`)
    const result = read()
    this.#depth--
    return result
  }

  name (what: string): string {
    if (this.peek().kind !== 'name') this.fail(what)
    const { text, line } = this.#lexer.next()
    if (text.length > MAX_NAME) throw new SchemaError(`line ${line}: a name has ${text.length} characters: expected ${MAX_NAME} at most`)
    return text
  }

  /** `a.b.c`, also `.a.b.c`. */
  dotted (what: string): string {
    let name = this.accept('.') ? '.' : ''
    do {
      name += `${name === '' || name === '.' ? '' : '.'}${this.name(what)}`
      if (name.length > MAX_FULL_NAME) throw new SchemaError(`line ${this.peek().line}: a name has more than ${MAX_FULL_NAME} characters`)
    } while (this.accept('.'))
    return name
  }

  integer (what: string, min: number, max: number): number {
    const minus = this.accept('-')
    const { kind, text, line } = this.peek()
    if (kind !== 'integer') this.fail(what)
    const value = Number(integerOf(text)) * (minus ? -1 : 1)
    if (value < min || value > max) {
      throw new SchemaError(`line ${line}: expected ${what} from ${min} to ${max}, found ${minus ? '-' : ''}${text}`)
    }
    this.#lexer.next()
    return value + 0
  }

  /** `5`, `5 to 9`, `5 to max`: first and last. */
  range (min: number, max: number): [number, number] {
    this.count()
    const start = this.integer('a number', min, max)
    if (!this.accept('to')) return [start, start]
    return [start, this.accept('max') ? max : this.integer('a number', start, max)]
  }

  /** One string, or several in a row. */
  string (what: string): Buffer {
    const parts: Buffer[] = []
    while (this.peek().kind === 'string') {
      this.count()
      parts.push(bytesOf(this.#lexer.next().text))
    }
    if (parts.length === 0) this.fail(what)
    return Buffer.concat(parts)
  }

  /** `name = value` behind the word `option`, or in brackets. */
  option (): UninterpretedOption {
    this.count()
    const name = []
    do {
      const isExtension = this.accept('(')
      const namePart = isExtension ? this.dotted('the name of an option') : this.name('the name of an option')
      if (isExtension) this.expect(')')
      name.push(create(NamePartSchema, { namePart, isExtension }))
    } while (this.accept('.'))
    this.expect('=')
    return Object.assign(create(UninterpretedOptionSchema, { name }), this.#value())
  }

  /** `[a = 1, b = 2]`, which may not be there. */
  bracketedOptions (): UninterpretedOption[] {
    const options: UninterpretedOption[] = []
    if (!this.accept('[')) return options
    do options.push(this.option())
    while (this.accept(','))
    this.expect(']')
    return options
  }

  /** Between braces: `one` reads what is neither an option nor a lone semicolon. Returns the options. */
  body (one: () => void): UninterpretedOption[] {
    const options: UninterpretedOption[] = []
    this.expect('{')
    while (!this.accept('}')) {
      if (this.accept(';')) continue
      if (this.accept('option')) {
        options.push(this.option())
        this.expect(';')
      } else one()
    }
    return options
  }

  #value (): Partial<UninterpretedOption> {
    const { kind } = this.peek()
    if (kind === 'string') return { stringValue: this.string('a string') as Uint8Array<ArrayBuffer> }
    if (kind === 'name') return { identifierValue: this.name('a value') }
    if (this.accept('{')) return { aggregateValue: this.nested(() => this.#aggregate()) }
    const minus = this.accept('-')
    if (!minus) this.accept('+')
    const { kind: number, text } = this.#lexer.next()
    if (number === 'name' && minus) return { doubleValue: text === 'nan' ? NaN : text === 'inf' ? -Infinity : this.fail('a number') }
    if (number === 'float') return { doubleValue: Number(text) * (minus ? -1 : 1) }
    if (number !== 'integer') this.fail('a value')
    const value = integerOf(text)
    if (value > 0xffff_ffff_ffff_ffffn) return { doubleValue: Number(value) * (minus ? -1 : 1) }
    if (minus && value > 0x8000_0000_0000_0000n) return { doubleValue: -Number(value) }
    return minus ? { negativeIntValue: -value } : { positiveIntValue: value }
  }

  /** What is between braces, in the text format, as one line. */
  #aggregate (): string {
    let text = ''
    let last = ''
    while (!this.accept('}')) {
      const { kind, text: found } = this.peek()
      if (kind === 'end') this.fail('"}"')
      let word = found
      if (kind === 'string') word = quote(this.string('a string'))
      else if (this.accept('{')) word = `{ ${this.nested(() => this.#aggregate())} }`
      else this.#lexer.next()
      const symbol = kind === 'symbol' ? found : ''
      text += text === '' || NO_SPACE_AFTER.includes(last) || NO_SPACE_BEFORE.includes(symbol) ? word : ` ${word}`
      last = symbol
    }
    return text
  }
}

const NO_SPACE_AFTER = ['.', '-', '/', '[']
const NO_SPACE_BEFORE = [':', ',', ';', '.', '/', ']']

const integerOf = (text: string): bigint => /^0[0-7]+$/.test(text) ? BigInt(`0o${text.slice(1)}`) : BigInt(text)
