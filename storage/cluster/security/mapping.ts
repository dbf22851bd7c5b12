/**
 * The file that says as whom each user goes to the cluster:
 *
 *   User:alice: { mechanism: SCRAM-SHA-512, username: alice-service, passwordFile: alice.password }
 *   User:bob: { mechanism: OAUTHBEARER, tokenFile: /run/tokens/bob }
 *   default: { mechanism: PLAIN, username: guest, password: '...' }
 *
 * Paths in it are relative to its own folder. It is taken as a whole or not at all, and no message quotes it.
 */
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { inspect } from 'node:util'
import type { SaslOptions, SecretSource } from './options.ts'
import { isSecret } from './secret.ts'
import { readText } from './watched-file.ts'

const MAX_FILE_BYTES = 2 ** 20
/** What a principal is that the file does not name. Principals have a colon in them. */
export const DEFAULT = 'default'

const withPassword = ['mechanism', 'username', 'password', 'passwordFile']
const withToken = ['mechanism', 'tokenFile']

/** By principal, as in `User:alice`, and `default`. Throws an Error with a sentence. */
export function readMapping (path: string): ReadonlyMap<string, SaslOptions> {
  const text = readText(path, MAX_FILE_BYTES)
  // Parsing YAML costs a good part of a quick start, and most starts have no such file.
  const { LineCounter, isMap, isScalar, parseDocument } = createRequire(import.meta.url)('yaml') as typeof import('yaml')
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number | undefined): string => `${path} line ${lines.linePos(offset ?? 0).line}`
  const [error] = document.errors
  // The message of the parser may quote what is wrong: a password, even.
  if (error !== undefined) throw new Error(`${at(error.pos[0])} is not YAML (${error.code}).`)
  if (!isMap(document.contents)) throw new Error(`${path} must hold one user a line, as in "User:alice: {mechanism: PLAIN, username: a, passwordFile: b}".`)
  const entries = new Map<string, SaslOptions>()
  for (const { key, value } of document.contents.items) {
    const where = at(isScalar(key) ? key.range?.[0] : 0)
    const name = isScalar(key) && typeof key.value === 'string' ? key.value : ''
    if (name !== DEFAULT && !/^[A-Za-z]{1,64}:./s.test(name)) throw new Error(`${where} begins with no principal. Expected User:NAME, or ${DEFAULT}.`)
    if (!isMap(value)) throw new Error(`${where} says nothing of ${shownName(name)}. Expected mechanism, username and password, or mechanism and tokenFile.`)
    const fields = new Map<string, string>()
    for (const field of value.items) {
      const fieldName = isScalar(field.key) ? String(field.key.value) : ''
      const content = isScalar(field.value) ? field.value.value : null
      if (!withPassword.includes(fieldName) && !withToken.includes(fieldName)) {
        throw new Error(`${at(isScalar(field.key) ? field.key.range?.[0] : 0)}: what is said of ${shownName(name)} holds a key that is none of ` +
          `${[...new Set([...withPassword, ...withToken])].join(', ')}.`)
      }
      if (typeof content !== 'string' || !isSecret(content)) throw new Error(`${where}: ${fieldName} of ${shownName(name)} must be a text; put it in quotes.`)
      fields.set(fieldName, content)
    }
    entries.set(name, optionsOf(fields, `${where}: ${shownName(name)}`, dirname(path)))
  }
  return entries
}

function optionsOf (fields: ReadonlyMap<string, string>, who: string, folder: string): SaslOptions {
  const mechanism = fields.get('mechanism')
  const only = (allowed: readonly string[]): void => {
    const other = [...fields.keys()].find(name => !allowed.includes(name))
    if (other !== undefined) throw new Error(`${who} has ${other}, which means nothing with ${mechanism}. Leave it out.`)
  }
  switch (mechanism) {
    case 'PLAIN': case 'SCRAM-SHA-256': case 'SCRAM-SHA-512': {
      only(withPassword)
      const [username, password, file] = [fields.get('username'), fields.get('password'), fields.get('passwordFile')]
      if (username === undefined) throw new Error(`${who} has no username.`)
      if ((password === undefined) === (file === undefined)) throw new Error(`${who} needs either password or passwordFile.`)
      return { mechanism, username, password: file === undefined ? hidden(password!) : { file: resolve(folder, file) } }
    }
    case 'OAUTHBEARER': {
      only(withToken)
      const file = fields.get('tokenFile')
      if (file === undefined) throw new Error(`${who} has no tokenFile.`)
      return { mechanism, token: { file: resolve(folder, file) } }
    }
    default: throw new Error(`${who} has no mechanism that is known. Expected PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER.`)
  }
}

/** A password that is not seen where the object is printed or turned into JSON. */
const hidden = (password: string): SecretSource => ({ reveal: () => password })

const shownName = (name: string): string => inspect(name.slice(0, 200))
