/**
 * A file system that does what another one does, and lets a test look at every operation first: to write down their order,
 * to hold one up, or to let it fail.
 */
import { basename } from 'node:path'
import type { FileSystem, LogFile } from '../../storage/log/fs.ts'
import { systemError } from './memory-fs.ts'

export type Kind = 'open' | 'size' | 'list' | 'makeDirectory' | 'readFile' | 'writeFile' | 'replaceFile' | 'rename' | 'remove' | 'syncDirectory' |
  'read' | 'write' | 'sync' | 'truncate' | 'close'

export interface Call {
  readonly kind: Kind
  readonly path: string
  /** Of a write or read. */
  readonly bytes: number
}

/** Thrown by `before`: the operation fails, a write after so many bytes. */
export class Fault extends Error {
  readonly code: string
  readonly writtenBytes: number

  constructor (code: string, writtenBytes = 0) {
    super(`${code}: as the test wants it`)
    this.code = code
    this.writtenBytes = writtenBytes
  }
}

export class FaultFileSystem implements FileSystem {
  /** `kind name` of every operation that has begun, and `kind name failed` of those that did. */
  readonly trace: string[] = []
  /** Called before every operation. What it throws is what the operation fails with; what it waits for, holds it up. */
  before: (call: Call) => void | Promise<void> = () => {}
  /** Files that are open. */
  openFiles = 0
  readonly #inner: FileSystem

  constructor (inner: FileSystem) {
    this.#inner = inner
  }

  /** Operations of these kinds, in order, without those of others. */
  traceOf (...kinds: readonly Kind[]): string[] {
    return this.trace.filter(line => kinds.includes(line.split(' ')[0] as Kind))
  }

  async run<T> (kind: Kind, path: string, bytes: number, operation: () => Promise<T>, partly?: (writtenBytes: number) => Promise<void>): Promise<T> {
    const line = `${kind} ${basename(path)}`
    this.trace.push(line)
    try {
      await this.before({ kind, path, bytes })
      return await operation()
    } catch (error) {
      this.trace.push(`${line} failed`)
      if (error instanceof Fault && error.writtenBytes > 0) await partly?.(error.writtenBytes)
      throw error
    }
  }

  async open (path: string, create?: boolean): Promise<LogFile> {
    return await this.run('open', path, 0, async () => {
      const file = await this.#inner.open(path, create)
      this.openFiles++
      return new FaultFile(this, file, path)
    })
  }

  size = (path: string): Promise<number> => this.run('size', path, 0, () => this.#inner.size(path))
  list = (path: string): Promise<string[]> => this.run('list', path, 0, () => this.#inner.list(path))
  makeDirectory = (path: string): Promise<void> => this.run('makeDirectory', path, 0, () => this.#inner.makeDirectory(path))
  readFile = (path: string): Promise<Buffer> => this.run('readFile', path, 0, () => this.#inner.readFile(path))
  writeFile = (path: string, content: Buffer): Promise<void> =>
    this.run('writeFile', path, content.length, () => this.#inner.writeFile(path, content),
      count => this.#inner.writeFile(path, content.subarray(0, count)))

  replaceFile = (path: string, content: string | Buffer): Promise<void> =>
    this.run('replaceFile', path, content.length, () => this.#inner.replaceFile(path, content))

  rename = (from: string, to: string): Promise<void> => this.run('rename', to, 0, () => this.#inner.rename(from, to))
  remove = (path: string): Promise<void> => this.run('remove', path, 0, () => this.#inner.remove(path))
  syncDirectory = (path: string): Promise<void> => this.run('syncDirectory', path, 0, () => this.#inner.syncDirectory(path))
}

class FaultFile implements LogFile {
  readonly #fs: FaultFileSystem
  readonly #inner: LogFile
  readonly #path: string
  #isOpen = true

  constructor (fs: FaultFileSystem, inner: LogFile, path: string) {
    this.#fs = fs
    this.#inner = inner
    this.#path = path
  }

  write (chunks: readonly Buffer[], position: number): Promise<void> {
    const whole = Buffer.concat(chunks)
    return this.#fs.run('write', this.#path, whole.length, () => this.#inner.write(chunks, position),
      count => this.#inner.write([whole.subarray(0, count)], position))
  }

  read (into: Buffer, position: number): Promise<number> {
    return this.#fs.run('read', this.#path, into.length, () => this.#inner.read(into, position))
  }

  sync (): Promise<void> {
    return this.#fs.run('sync', this.#path, 0, () => this.#inner.sync())
  }

  truncate (size: number): Promise<void> {
    return this.#fs.run('truncate', this.#path, size, () => this.#inner.truncate(size))
  }

  close (): Promise<void> {
    if (this.#isOpen) this.#fs.openFiles--
    this.#isOpen = false
    return this.#fs.run('close', this.#path, 0, () => this.#inner.close())
  }
}

/** Fails the operation of this kind that comes after `skipped` others of it, once. */
export function failOnce (fs: FaultFileSystem, kind: Kind, code: string, { skipped = 0, path = '' } = {}): void {
  let left = skipped
  fs.before = call => {
    if (call.kind !== kind || !call.path.endsWith(path) || left-- !== 0) return
    throw systemError(code, call.path)
  }
}
