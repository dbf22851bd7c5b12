/**
 * Regular expressions of strangers, in time that grows with the text and not with its power. JSON Schema means ECMA-262
 * (draft-07 validation 4.3); RE2 runs them, which knows no lookaround and no backreferences.
 */
import { RE2JS } from 're2js'
import { SchemaError } from '../format.ts'
import type { Work } from './work.ts'

const MAX_PATTERN_CHARS = 2_000
/** One step of an automaton takes a few nanoseconds: so many of them are a unit of work. */
const STEPS_PER_UNIT = 64

/** ECMA-262's white space and line terminators; RE2's `\s` is ASCII. */
const SPACE = '\\t\\n\\v\\f\\r\\x{feff}\\x{2028}\\x{2029}\\p{Zs}'
const TERMINATORS = '\\n\\r\\x{2028}\\x{2029}'

/** Names of general categories that ECMA-262 has and RE2 has not. */
const CATEGORIES: Readonly<Record<string, string>> = {
  Letter: 'L', Uppercase_Letter: 'Lu', Lowercase_Letter: 'Ll', Mark: 'M', Number: 'N', Decimal_Number: 'Nd', Punctuation: 'P', Symbol: 'S', Separator: 'Z'
}

export class Pattern {
  readonly #automaton: RE2JS
  readonly #work: Work
  readonly #source: string

  constructor (automaton: RE2JS, source: string, work: Work) {
    this.#automaton = automaton
    this.#source = source
    this.#work = work
  }

  /** Whether it is found anywhere in the text. Throws WorkExceeded. */
  test (text: string): boolean {
    this.#work.spend(1 + Math.floor(this.#automaton.programSize() * text.length / STEPS_PER_UNIT))
    return this.#automaton.test(text)
  }

  toString (): string {
    return `/${this.#source}/`
  }
}

/** `where` is for the message. Throws SchemaError. */
export function compilePattern (source: string, where: string): RE2JS {
  if (source.length > MAX_PATTERN_CHARS) {
    throw new SchemaError(`${where}: a regular expression of ${source.length} characters; at most ${MAX_PATTERN_CHARS} are taken`)
  }
  const shown = JSON.stringify(source.length > 60 ? `${source.slice(0, 60)}…` : source)
  if (!isEcmaScript(source)) throw new SchemaError(`${where}: ${shown} is not a regular expression of ECMA-262`)
  if (/\(\?<?[=!]/.test(source.replace(/\\./gs, ''))) {
    throw new SchemaError(`${where}: ${shown} looks ahead or behind, which cannot be matched in linear time: say it without (?=, (?!, (?<= and (?<!`)
  }
  try {
    return RE2JS.compile(RE2JS.translateRegExp(translate(source)))
  } catch (error) {
    throw new SchemaError(`${where}: ${shown} cannot be matched in linear time, as RE2 does (no backreferences, at most 1000 repetitions): ` +
      (error as Error).message)
  }
}

function isEcmaScript (source: string): boolean {
  for (const flags of ['u', '']) {
    try {
      RegExp(source, flags)
      return true
    } catch {}
  }
  return false
}

/** What ECMA-262 and RE2 write alike and mean differently. */
function translate (source: string): string {
  let out = ''
  let isInClass = false
  for (let at = 0; at < source.length; at++) {
    const char = source[at]!
    if (char !== '\\') {
      if (isInClass) out += char === '[' ? '\\[' : char
      else out += char === '.' ? `[^${TERMINATORS}]` : char
      if (char === '[') isInClass = true
      else if (char === ']') isInClass = false
      continue
    }
    const next = source[++at] ?? ''
    const property = /^[pP]\{[^{}]*\}/.exec(source.slice(at, at + 60))?.[0]
    if (property !== undefined) {
      out += `\\${next}{${categoryOf(property.slice(2, -1))}}`
      at += property.length - 1
    } else if (next === 's') out += isInClass ? SPACE : `[${SPACE}]`
    else if (next === 'S' && !isInClass) out += `[^${SPACE}]`
    // Letters without a meaning stand for themselves; RE2 gives some of them one.
    else if (/[aACeEFgGhHiIjJKlLmMNoOqQRTUVXyYzZ]/.test(next)) out += next
    else if (next === 'b' && isInClass) out += '\\x08'
    else out += `\\${next}`
  }
  return out
}

function categoryOf (name: string): string {
  const value = name.replace(/^(?:Script|sc|Script_Extensions|scx|General_Category|gc)=/, '')
  return CATEGORIES[value] ?? value
}
