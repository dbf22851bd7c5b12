/**
 * What TLS to the cluster is made with, from PEM files. Connections that are there keep what they were made with.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { TlsOptions } from './options.ts'
import { readText, WatchedFile, type WatchOptions } from './watched-file.ts'

const MAX_FILE_BYTES = 2 ** 20

/** Gives the context as it is now. Throws an Error with a sentence where the files cannot be used, the first time. */
export function tlsContext (options: TlsOptions, watch: WatchOptions): () => SecureContext {
  const paths = [options.ca, options.cert, options.key].filter(path => path !== null)
  const watched = new WatchedFile(paths, () => read(options), watch)
  return () => watched.value
}

function read ({ ca, cert, key }: TlsOptions): SecureContext {
  const authorities = ca === null ? null : readText(ca, MAX_FILE_BYTES)
  if (authorities !== null) certificatesIn(ca!, authorities)
  const own = cert === null || key === null ? null : { cert: readText(cert, MAX_FILE_BYTES), key: readText(key, MAX_FILE_BYTES) }
  if (own !== null) {
    const [leaf] = certificatesIn(cert!, own.cert)
    if (!leaf!.checkPrivateKey(privateKey(key!, own.key))) {
      throw new Error(`${key} is not the key of the certificate in ${cert}. Give the two that were made together.`)
    }
    if (Date.parse(leaf!.validTo) <= Date.now()) throw new Error(`${cert}: the certificate ran out at ${leaf!.validTo}. Give one that is valid.`)
  }
  try {
    return createSecureContext({ minVersion: 'TLSv1.2', ...authorities === null ? {} : { ca: authorities }, ...own })
  } catch (error) {
    const { code = 'no code' } = error as NodeJS.ErrnoException
    throw new Error(`${[ca, cert, key].filter(path => path !== null).join(', ')} cannot be used for TLS (${code}).`)
  }
}

function certificatesIn (path: string, text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) throw new Error(`${path} holds no certificate. Expected a PEM file with -----BEGIN CERTIFICATE-----.`)
  try {
    return blocks.map(block => new X509Certificate(block))
  } catch {
    throw new Error(`${path} holds a certificate that cannot be read.`)
  }
}

function privateKey (path: string, text: string): KeyObject {
  if (/ENCRYPTED/.test(text)) throw new Error(`${path} holds a key with a passphrase. Give it without one ("openssl pkey"), readable by this user alone.`)
  try {
    return createPrivateKey(text)
  } catch {
    // What OpenSSL says of it may quote the file.
    throw new Error(`${path} holds no private key that can be read. Expected a PEM file with -----BEGIN PRIVATE KEY-----.`)
  }
}
