/**
 * `NAME:PASSWORD`, as BARNABAS_ADMIN and files of credentials hold it.
 */
import { readFileSync } from 'node:fs'
import { Secret } from './secret.ts'
import type { Value } from './values.ts'

/** A name and a password: the super user of the configuration, or whoever runs a command. */
export interface NamedSecret {
  readonly name: string
  readonly password: Secret
}

const NAME = /^[A-Za-z0-9._@+-]{1,128}$/
/** Kafka's name for whoever gave none. */
const RESERVED = 'ANONYMOUS'
/** A file of credentials is one line: what is longer is something else. */
const MAX_FILE_BYTES = 4096

export const credentialsExpected = 'NAME:PASSWORD, the name of letters, digits and . _ @ + - (not ANONYMOUS), the password not empty'

/** Null where the text is none; what is behind the first colon is the password, further colons included. */
export function parseCredentials (text: string): NamedSecret | null {
  const colon = text.indexOf(':')
  if (colon < 0) return null
  const [name, password] = [text.slice(0, colon), text.slice(colon + 1)]
  // eslint-disable-next-line no-control-regex
  if (!NAME.test(name) || name === RESERVED || password === '' || /[\u0000-\u001f\u007f]/.test(password)) return null
  return { name, password: new Secret(password) }
}

export const credentials: Value<NamedSecret> = {
  placeholder: 'NAME:PASSWORD',
  expected: credentialsExpected,
  isSecret: true,
  parse: parseCredentials
}

/** The one line of a file. Throws an Error whose message says what is wrong with it, never what it holds. */
export function readCredentials (path: string): NamedSecret {
  const parsed = parseCredentials(readSecretFile(path))
  if (parsed === null) throw new Error(`${path} does not hold one line with ${credentialsExpected}.`)
  return parsed
}

/** What a file holds, without the end of its one line. */
export function readSecretFile (path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as Error).message}.`)
  }
  if (text.length > MAX_FILE_BYTES) throw new Error(`${path} is longer than one line of ${MAX_FILE_BYTES} characters.`)
  return text.replace(/^\uFEFF/, '').replace(/\r?\n$/, '')
}
