/**
 * Secrets that are planted to be looked for: a text that is nowhere else, and the forms in which it could come out of a log,
 * a URL, an error or a dump.
 */
import { randomBytes } from 'node:crypto'

export interface Canary {
  readonly name: string
  readonly secret: Buffer
  /** Where it may be found all the same. */
  readonly mayBeIn: RegExp | null
}

export interface Place {
  readonly name: string
  readonly bytes: Buffer
}

/** So much of a secret is looked for, because what is printed may have been cut: enough to be nowhere by chance. */
const WINDOW = 18

/** With characters that are written differently in URLs, and in the two alphabets of base64. */
export const newSecret = (): string => `?~>+/${randomBytes(16).toString('hex')}`

export const canary = (name: string, secret: string | Buffer, mayBeIn: RegExp | null = null): Canary =>
  ({ name, secret: Buffer.from(secret as string), mayBeIn })

/** Every way to write its beginning that we look for, by name. */
export function formsOf (secret: Buffer): ReadonlyMap<string, Buffer> {
  const bytes = secret.subarray(0, WINDOW)
  if (bytes.length < WINDOW) throw new Error(`a canary needs ${WINDOW} bytes`)
  const hex = bytes.toString('hex')
  const pairs = hex.match(/../g)!
  const forms = new Map<string, string | Buffer>([
    ['raw', bytes],
    ['hex', hex],
    ['upper hex', hex.toUpperCase()],
    ['hex as a Buffer is inspected', pairs.join(' ')],
    ['numbers as a Buffer is in JSON', bytes.join(',')],
    ['percent-encoded throughout', pairs.map(pair => `%${pair.toUpperCase()}`).join('')],
    ['percent-encoded throughout, lower', pairs.map(pair => `%${pair}`).join('')]
  ])
  if (/^[ -~]*$/.test(bytes.toString('latin1'))) {
    const encoded = encodeURIComponent(bytes.toString())
    forms.set('percent-encoded', encoded)
    forms.set('percent-encoded, lower', encoded.replaceAll(/%../g, code => code.toLowerCase()))
    forms.set('escaped in JSON', JSON.stringify(bytes.toString()).slice(1, -1).replaceAll('/', '\\/'))
  }
  // What stands before it moves it against the groups of three: of base64("user:" + secret) only one of three cuts is a part.
  for (let shift = 0; shift < 3; shift++) {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes])
    const known: [number, number] = [Math.ceil(shift * 8 / 6), Math.floor(padded.length * 8 / 6)]
    const base64 = padded.toString('base64').slice(...known)
    forms.set(`base64, ${shift} behind`, base64)
    forms.set(`base64url, ${shift} behind`, padded.toString('base64url').slice(...known))
    forms.set(`base64 percent-encoded, ${shift} behind`, encodeURIComponent(base64))
  }
  return new Map(Array.from(forms, ([name, form]) => [name, Buffer.from(form as string)]))
}

/** Where canaries are that may not be: a sentence for each. */
export function findCanaries (canaries: readonly Canary[], places: readonly Place[]): string[] {
  return canaries.flatMap(({ name, secret, mayBeIn }) => Array.from(formsOf(secret)).flatMap(([form, bytes]) =>
    places.filter(place => mayBeIn?.test(place.name) !== true && place.bytes.includes(bytes)).map(place => `${name} is in ${place.name} (${form})`)))
}
