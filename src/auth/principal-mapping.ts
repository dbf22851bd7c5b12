/**
 * Kafka's ssl.principal.mapping.rules (KIP-371): which name the subject of a certificate stands for.
 *
 * `RULE:pattern/replacement/` with `L` or `U` at the end for lower or upper case, or `DEFAULT` for the subject as it is, with
 * commas between. The first rule whose pattern fits the whole subject decides. Patterns run in linear time (RE2), whatever
 * they are and whatever is in a certificate: no look-ahead and no back-references, which Java's would have.
 */
import { RE2JS } from 're2js'

type Rule = (distinguishedName: string) => string | null

/** No name in use is near it. */
const MAX_NAME_CHARS = 4096

// Kafka's own splitter: the pattern and the replacement end at a slash that no backslash precedes.
const RULE = /(DEFAULT)|RULE:((?:\\.|[^\\/])*)\/((?:\\.|[^\\/])*)\/([LU]?)/y
const SEPARATOR = /\s*(?:,\s*|$)/y

/** Throws an error that names the rule that is wrong. The result is null for a subject that no rule fits: that is nobody. */
export function parsePrincipalMapping (rules: string): (distinguishedName: string) => string | null {
  const parsed = [...split(rules.trim())]
  if (parsed.length === 0) throw new Error('The list of principal mapping rules is empty: nobody could log in. Leave it out for DEFAULT.')
  return distinguishedName => {
    if (distinguishedName.length > MAX_NAME_CHARS) return null
    for (const rule of parsed) {
      const name = rule(distinguishedName)
      if (name !== null) return name
    }
    return null
  }
}

function * split (rules: string): Generator<Rule> {
  for (let at = 0; at < rules.length;) {
    RULE.lastIndex = at
    const match = RULE.exec(rules)
    SEPARATOR.lastIndex = at + (match?.[0].length ?? 0)
    const separator = SEPARATOR.exec(rules)
    if (separator === null || (match === null && separator[0] === '')) throw invalid(rules.slice(at), 'expected DEFAULT or RULE:pattern/replacement/[LU]')
    at = SEPARATOR.lastIndex
    if (match === null) continue // Between two commas: Kafka passes over it.
    const [text, isDefault, pattern, replacement, letter] = match
    yield isDefault !== undefined ? name => name : compile(text, pattern!, replacement!, letter as '' | 'L' | 'U')
  }
}

function compile (text: string, source: string, replacement: string, letter: '' | 'L' | 'U'): Rule {
  let pattern: RE2JS
  try {
    pattern = RE2JS.compile(source)
  } catch (error) {
    throw invalid(text, (error as Error).message)
  }
  const parts = partsOf(replacement, pattern, text)
  return name => {
    if (!pattern.matcher(name).matches()) return null
    const result = replaceAll(pattern, parts, name)
    return letter === 'L' ? result.toLowerCase() : letter === 'U' ? result.toUpperCase() : result
  }
}

/** As Java's String.replaceAll: every match of the pattern, and an empty one at the end too. */
function replaceAll (pattern: RE2JS, parts: readonly (string | number)[], name: string): string {
  let result = ''
  let done = 0
  let at = 0
  const matcher = pattern.matcher(name)
  while (at <= name.length && matcher.find(at)) {
    result += name.slice(done, matcher.start())
    for (const part of parts) result += typeof part === 'string' ? part : matcher.group(part) ?? ''
    done = matcher.end()
    at = matcher.end() === matcher.start() ? done + 1 : done
  }
  return result + name.slice(done)
}

/** The text of a replacement, and the numbers of the groups in it. */
function partsOf (replacement: string, pattern: RE2JS, text: string): (string | number)[] {
  const groups = pattern.groupCount()
  const names = pattern.namedGroups() as Readonly<Record<string, number>>
  const parts: (string | number)[] = []
  for (let at = 0; at < replacement.length;) {
    const [whole, escaped, digits, name] = /^(?:\\(.)|\$(\d+)|\$\{([A-Za-z][A-Za-z0-9]*)\}|[^])/s.exec(replacement.slice(at))!
    at += whole.length
    if (escaped !== undefined) parts.push(escaped)
    else if (name !== undefined) {
      if (!Object.hasOwn(names, name)) throw invalid(text, `the pattern has no group "${name}"`)
      parts.push(names[name]!)
    } else if (digits !== undefined) {
      // The longest number that is a group; what is left of the digits is text. If there is none, Kafka takes all for text.
      let length = digits.length
      while (length > 1 && Number(digits.slice(0, length)) > groups) length--
      const group = Number(digits.slice(0, length))
      if (group > groups) parts.push(whole)
      else parts.push(group, digits.slice(length))
    } else if (whole === '$' || whole === '\\') throw invalid(text, `write \\${whole} for a ${whole} in the replacement`)
    else parts.push(whole)
  }
  return parts
}

const invalid = (rule: string, why: string): Error => new Error(`The principal mapping rule "${rule}" is not valid: ${why}.`)
