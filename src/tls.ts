/**
 * The certificate of this server, its key and the authorities of clients, read from PEM files and read again when they
 * change. What is new is taken as a whole or not at all: a pair that does not belong together, that ran out or that cannot
 * be read leaves the one that serves where it is.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { readFileSync, watch, type FSWatcher } from 'node:fs'
import { basename, dirname } from 'node:path'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Logger } from './logger.ts'

export interface TlsPaths {
  readonly cert: string
  readonly key: string
  readonly ca: string | null
}

/** One file, and when the first certificate in it to run out does. */
export interface TlsFile {
  readonly file: 'cert' | 'ca'
  readonly expiresAtMs: number
}

interface Material {
  readonly options: SecureContextOptions
  readonly subject: string
  readonly files: readonly TlsFile[]
  /** Everything that was read, to know it again. */
  readonly bytes: string
}

/** Folders are watched; what a folder does not tell of (a link to a file elsewhere, a network) is looked for as often as this. */
const POLL_MS = 30_000
/** The two files of a pair are seldom replaced in the same instant. */
const SETTLE_MS = 250
const MAX_FILE_BYTES = 2 ** 20

export class TlsFiles {
  readonly #paths: TlsPaths
  readonly #logger: Logger
  readonly #listeners: Array<(context: SecureContextOptions) => void> = []
  readonly #watchers: FSWatcher[] = []
  readonly #poll: NodeJS.Timeout
  #settling: NodeJS.Timeout | null = null
  #material: Material
  /** What was last found wrong, so that it is logged once and not every time that it is looked at. */
  #refused: string | null = null

  /** Throws an Error whose message says what is wrong with which file. */
  constructor (paths: TlsPaths, logger: Logger, pollMs = POLL_MS) {
    this.#paths = paths
    this.#logger = logger
    this.#material = read(paths)
    this.#poll = setInterval(() => this.reload(), pollMs).unref()
    for (const folder of new Set(filesOf(paths).map(path => dirname(path)))) this.#watch(folder)
  }

  /** For `tls.createServer` and `server.setSecureContext`. */
  context (): SecureContextOptions {
    return this.#material.options
  }

  /** Called with each new context, for the servers that are to use it for the connections to come. */
  onReload (listener: (context: SecureContextOptions) => void): void {
    this.#listeners.push(listener)
  }

  /** When the certificate of this server runs out. */
  get expiresAtMs (): number {
    return this.#material.files[0]!.expiresAtMs
  }

  /** The name in it. */
  get subject (): string {
    return this.#material.subject
  }

  get files (): readonly TlsFile[] {
    return this.#material.files
  }

  /** Looks at the files now. Whether there was something new, and it is used. */
  reload (): boolean {
    let material: Material
    try {
      material = read(this.#paths)
    } catch (error) {
      const { message } = error as Error
      if (message !== this.#refused) this.#logger.error({ err: error }, 'the new certificate is not used: the one before it serves on')
      this.#refused = message
      return false
    }
    this.#refused = null
    if (material.bytes === this.#material.bytes) return false
    this.#material = material
    for (const listener of this.#listeners) listener(material.options)
    this.#logger.info({ subject: material.subject, expires: new Date(this.expiresAtMs).toISOString() }, 'a new certificate is used')
    return true
  }

  close (): void {
    clearInterval(this.#poll)
    if (this.#settling !== null) clearTimeout(this.#settling)
    for (const watcher of this.#watchers) watcher.close()
  }

  #watch (folder: string): void {
    const names = new Set(filesOf(this.#paths).filter(path => dirname(path) === folder).map(path => basename(path)))
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        // A volume of Kubernetes replaces a link beside the files ("..data"), and some systems name nothing.
        if (name === null || names.has(name) || name.startsWith('..')) this.#settle()
      })
      // The folder is gone, or may not be watched any more: the poll goes on.
      watcher.on('error', error => this.#logger.warn({ err: error, folder }, 'the folder of the certificate is not watched any more'))
      this.#watchers.push(watcher)
    } catch (error) {
      this.#logger.warn({ err: error, folder }, 'the folder of the certificate is not watched any more')
    }
  }

  #settle (): void {
    if (this.#settling !== null) return
    this.#settling = setTimeout(() => {
      this.#settling = null
      this.reload()
    }, SETTLE_MS).unref()
  }
}

const filesOf = ({ cert, key, ca }: TlsPaths): string[] => ca === null ? [cert, key] : [cert, key, ca]

function read (paths: TlsPaths): Material {
  const [cert, key] = [text(paths.cert), text(paths.key)]
  const ca = paths.ca === null ? null : text(paths.ca)
  const [leaf, ...chain] = certificatesIn(paths.cert, cert)
  if (!leaf!.checkPrivateKey(privateKey(paths.key, key))) {
    throw new Error(`${paths.key} is not the key of the certificate in ${paths.cert}, which is that of ${nameOf(leaf!)}. Give the two that were made together.`)
  }
  const nowMs = Date.now()
  for (const certificate of [leaf!, ...chain]) {
    if (timeOf(certificate.validTo) <= nowMs) {
      throw new Error(`${paths.cert}: the certificate of ${nameOf(certificate)} ran out at ${iso(certificate.validTo)}. Give one that is valid.`)
    }
    if (timeOf(certificate.validFrom) > nowMs) {
      throw new Error(`${paths.cert}: the certificate of ${nameOf(certificate)} is not valid before ${iso(certificate.validFrom)}. ` +
        'Check the clock, or give another.')
    }
  }
  const authorities = ca === null ? [] : certificatesIn(paths.ca!, ca)
  const options: SecureContextOptions = { cert, key, ...ca === null ? {} : { ca }, minVersion: 'TLSv1.2' }
  try {
    createSecureContext(options)
  } catch (error) {
    throw new Error(`${paths.cert} and ${paths.key} cannot be used for TLS: ${(error as Error).message}.`)
  }
  const files: TlsFile[] = [{ file: 'cert', expiresAtMs: earliest([leaf!, ...chain]) }]
  if (authorities.length > 0) files.push({ file: 'ca', expiresAtMs: earliest(authorities) })
  return { options, subject: nameOf(leaf!), files, bytes: [cert, key, ca ?? ''].join('\0') }
}

function text (path: string): string {
  let content: string
  try {
    content = readFileSync(path, 'latin1')
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as Error).message}.`)
  }
  if (content.length > MAX_FILE_BYTES) throw new Error(`${path} is too large for a PEM file.`)
  return content
}

function certificatesIn (path: string, content: string): X509Certificate[] {
  const blocks = content.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) throw new Error(`${path} holds no certificate. Expected a PEM file with -----BEGIN CERTIFICATE-----.`)
  try {
    return blocks.map(block => new X509Certificate(block))
  } catch (error) {
    throw new Error(`${path} holds a certificate that cannot be read: ${(error as Error).message}.`)
  }
}

function privateKey (path: string, content: string): KeyObject {
  if (/ENCRYPTED/.test(content)) throw new Error(`${path} holds a key with a passphrase. Give it without one ("openssl pkey"), readable by this user alone.`)
  try {
    return createPrivateKey(content)
  } catch {
    // What OpenSSL says of it may quote the file.
    throw new Error(`${path} holds no private key that can be read. Expected a PEM file with -----BEGIN PRIVATE KEY-----.`)
  }
}

const timeOf = (date: string): number => Date.parse(date)
const iso = (date: string): string => new Date(timeOf(date)).toISOString()
const earliest = (certificates: readonly X509Certificate[]): number => Math.min(...certificates.map(({ validTo }) => timeOf(validTo)))
const nameOf = ({ subject, subjectAltName }: X509Certificate): string => subject === '' ? subjectAltName ?? 'nobody' : subject.replaceAll('\n', ', ')
