/**
 * Passwords, as they were given or from a file of one line.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type { SecretSource } from './options.ts'
import { readText, WatchedFile, type WatchOptions } from './watched-file.ts'

const MAX_SECRET_BYTES = 4096

/** Gives the secret as it is now. Throws an Error with a sentence where its file holds none, the first time. */
export function secretOf (source: SecretSource, watch: WatchOptions): () => string {
  if (!('file' in source)) return () => source.reveal()
  const { file } = source
  const watched = new WatchedFile([file], () => {
    const text = readText(file, MAX_SECRET_BYTES).replace(/\r?\n$/, '')
    if (!isSecret(text)) throw new Error(`${file} does not hold one line with a secret that is not empty.`)
    return text
  }, watch)
  return () => watched.value
}

// eslint-disable-next-line no-control-regex
export const isSecret = (text: string): boolean => text !== '' && !/[\u0000-\u001f\u007f]/.test(text)

/** Of this process alone: what is made with it tells nothing of a secret to whoever reads it. */
const salt = randomBytes(32)

/** The same for the same secret, as long as this process lives; of a file, whatever it holds. */
export function fingerprintOf (source: SecretSource): string {
  const text = 'file' in source ? `file ${source.file}` : `text ${source.reveal()}`
  return createHmac('sha256', salt).update(text).digest('hex').slice(0, 16)
}
