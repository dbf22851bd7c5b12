/**
 * What the value of an option may be: how it reads from text, what to say when it does not.
 */
import { isLoopback, parseAddress, type Address } from './address.ts'
import { Secret } from './secret.ts'
import { nearest } from './suggest.ts'

export interface Value<T> {
  /** How the value is named in the help, `HOST:PORT`; empty for a switch, which needs none. */
  readonly placeholder: string
  /** Ends the sentence "expected ...". */
  readonly expected: string
  /** Null where the text is not such a value. */
  readonly parse: (text: string) => T | null
  /** What may have been meant by a text that is not such a value. */
  readonly meant?: (text: string) => string | null
  /** A list reads a sequence in the file, and this between its items in a flag or a variable. */
  readonly separator?: string
  /** Never shown in a message, and never taken from the command line, which others on the machine can read. */
  readonly isSecret?: boolean
}

export function text (placeholder: string, expected: string): Value<string> {
  return { placeholder, expected, parse: value => value }
}

/** Without control characters, which what it is sent in may take for its end. */
export function printable (placeholder: string, expected: string): Value<string> {
  // eslint-disable-next-line no-control-regex
  return { placeholder, expected: `${expected} without control characters`, parse: value => /[\u0000-\u001f\u007f]/.test(value) ? null : value }
}

/** Of printable characters, at least so many. */
export function secret (minLength: number): Value<Secret> {
  return {
    placeholder: 'SECRET',
    expected: `${minLength} to 4096 characters, none of them a control character`,
    isSecret: true,
    // eslint-disable-next-line no-control-regex
    parse: value => value.length < minLength || value.length > 4096 || /[\u0000-\u001f\u007f]/.test(value) ? null : new Secret(value)
  }
}

export function choice<const T extends string> (...choices: readonly T[]): Value<T> {
  return {
    placeholder: choices.join('|'),
    expected: `one of ${choices.join(', ')}`,
    parse: value => choices.find(one => one === value) ?? null,
    meant: value => nearest(value, choices)
  }
}

const yes = new Set(['true', '1', 'yes', 'on'])
const no = new Set(['false', '0', 'no', 'off'])

export const boolean: Value<boolean> = {
  placeholder: '',
  expected: 'true or false',
  parse: value => yes.has(value.toLowerCase()) ? true : no.has(value.toLowerCase()) ? false : null
}

export function integer (min: number, max: number): Value<number> {
  return {
    placeholder: 'N',
    expected: `a whole number from ${min} to ${max}`,
    parse: value => /^-?\d{1,15}$/.test(value) && Number(value) >= min && Number(value) <= max ? Number(value) : null
  }
}

// ---- quantities with a unit

type Units = { readonly [unit: string]: number }

const byteUnits: Units = { b: 1, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 }
const timeUnits: Units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A number of bytes: `1048576`, `512KiB`, `1.5GiB`, `10MB`. The bounds are texts of the same kind. */
export function bytes (min: string, max: string): Value<number> {
  return {
    placeholder: 'BYTES',
    expected: `a number of bytes from ${min} to ${max}, such as 65536, 512KiB or 1GiB`,
    parse: between(value => quantity(value, byteUnits, 'b'), min, max),
    meant: value => {
      const prefix = /^(\d+)\s*([kmgt])$/i.exec(value)
      return prefix === null ? null : `${prefix[1]}${prefix[2]!.toUpperCase()}iB`
    }
  }
}

/** A time in ms: `500ms`, `10s`, `7d`. A number without a unit is refused, except 0. */
export function duration (min: string, max: string): Value<number> {
  return {
    placeholder: 'TIME',
    expected: `a time from ${min} to ${max}, such as 500ms, 30s, 15m, 12h or 7d`,
    parse: between(value => quantity(value, timeUnits, null), min, max),
    meant: value => /^\d+$/.test(value) ? `${value}ms` : null
  }
}

/** `-1` beside the values of another kind, for what has no end. */
export function orForEver (value: Value<number>): Value<number> {
  return { ...value, expected: `${value.expected}, or -1 for ever`, parse: given => given === '-1' ? -1 : value.parse(given) }
}

function between (parse: (value: string) => number | null, min: string, max: string): (value: string) => number | null {
  const [least, most] = [parse(min)!, parse(max)!]
  return value => {
    const parsed = parse(value)
    return parsed !== null && parsed >= least && parsed <= most ? parsed : null
  }
}

function quantity (value: string, units: Units, bare: string | null): number | null {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([a-z]*)$/i.exec(value)
  if (match === null) return null
  const amount = Number(match[1])
  const unit = match[2] === '' ? (amount === 0 ? Object.keys(units)[0]! : bare) : match[2]!.toLowerCase()
  const factor = unit === null ? undefined : units[unit]
  if (factor === undefined) return null
  const result = amount * factor
  return Number.isSafeInteger(result) ? result : null
}

// ---- places

export const address: Value<Address> = {
  placeholder: 'HOST:PORT',
  expected: 'HOST:PORT, such as 127.0.0.1:9092, [::1]:9092 or :9092',
  parse: parseAddress,
  meant: value => {
    if (/^\d{1,5}$/.test(value)) return `127.0.0.1:${value}`
    const six = /^([0-9a-f:]*:[0-9a-f:]*):(\d{1,5})$/i.exec(value)
    return six === null || parseAddress(`[${six[1]}]:${six[2]}`) === null ? null : `[${six[1]}]:${six[2]}`
  }
}

/** An address that others are told to connect to: neither "any port" nor "every address". */
export const reachable: Value<Address> = {
  ...address,
  expected: 'HOST:PORT with a host and a port that clients can connect to, such as log.example.com:9092',
  parse: value => {
    const parsed = parseAddress(value)
    return parsed === null || parsed.port === 0 || value.startsWith(':') ? null : parsed
  }
}

/** What browsers send as `Origin` (RFC 6454), or `*` for any. */
export const origin: Value<string> = {
  placeholder: 'ORIGIN',
  expected: 'an origin such as https://app.example.com (scheme, host and port, no path), or *',
  parse: value => value === '*' || originOf(value) === value ? value : null,
  meant: originOf
}

function originOf (value: string): string | null {
  const url = URL.parse(value)
  return url !== null && url.origin !== 'null' ? url.origin : null
}

/** A key set of https, fetched from where the configuration says and nowhere else. */
export const httpsUrl: Value<string> = {
  placeholder: 'URL',
  expected: 'a URL that begins with https://, without a name, a password or a fragment in it',
  parse: value => {
    const url = URL.parse(value)
    return url !== null && url.protocol === 'https:' && url.username === '' && url.password === '' && url.hash === '' ? url.href : null
  },
  meant: value => value.startsWith('http://') ? value.replace('http:', 'https:') : null
}

/** Where a secret is sent to: https, or a program on this machine. */
export const secretUrl: Value<string> = {
  placeholder: 'URL',
  expected: 'a URL that begins with https:// (or http:// on this machine), without a name, a password or a fragment in it',
  parse: value => {
    const url = URL.parse(value)
    return url?.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[|\]$/g, '')) && url.username === '' && url.password === '' && url.hash === ''
      ? url.href
      : httpsUrl.parse(value)
  },
  meant: httpsUrl.meant!
}

/** Kafka's names of topics. */
export const topic: Value<string> = {
  placeholder: 'TOPIC',
  expected: 'the name of a topic: letters, digits and . _ -, at most 249 of them',
  parse: value => /^[A-Za-z0-9._-]{1,249}$/.test(value) && value !== '.' && value !== '..' ? value : null
}

/** `User:alice`, or the name alone. */
export const principal: Value<string> = {
  placeholder: 'PRINCIPAL',
  expected: 'User:NAME, or the name alone',
  parse: value => {
    const name = value.startsWith('User:') ? value.slice('User:'.length) : value.includes(':') ? '' : value
    // eslint-disable-next-line no-control-regex
    return /^[^\s\u0000-\u001f][^\u0000-\u001f]{0,255}$/.test(name) ? `User:${name}` : null
  }
}

/** Names of principals may hold commas, as those of certificates do: then a semicolon is what separates them. */
export const principals: Value<readonly string[]> = {
  placeholder: 'PRINCIPAL;...',
  expected: 'a list of User:NAME, separated by semicolons (or by commas, where no name is that of a certificate)',
  separator: ';',
  parse: given => {
    const parsed = given.split(/[;=]/.test(given) ? ';' : ',').map(part => part.trim()).filter(part => part !== '').map(principal.parse)
    return parsed.includes(null) ? null : parsed as string[]
  }
}

export function list<T> (value: Value<T>): Value<readonly T[]> {
  const parts = (given: string): string[] => given.split(',').map(part => part.trim()).filter(part => part !== '')
  return {
    placeholder: `${value.placeholder},...`,
    expected: `a list, separated by commas, of ${value.expected}`,
    separator: ',',
    parse: given => {
      const parsed = parts(given).map(part => value.parse(part))
      return parsed.includes(null) ? null : parsed as T[]
    },
    meant: given => {
      const mended = parts(given).map(part => value.parse(part) === null ? value.meant?.(part) ?? null : part)
      return mended.includes(null) ? null : mended.join(',')
    }
  }
}
