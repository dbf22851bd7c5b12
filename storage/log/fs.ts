/**
 * Every touch of the disk goes through here, so that tests can fail any of them and record their order, and so that one
 * place knows what makes a change durable: data with fdatasync, names with an fsync of their folder.
 */
import fs from 'node:fs'
import { dirname, resolve } from 'node:path'
import { DirectWrites } from './direct-writes.ts'

/** An operation on a file that was closed in the meantime: its descriptor may be another file's by now. */
export class ClosedFileError extends Error {
  override readonly name = 'ClosedFileError'
}

/** An open file. Operations may overlap. Rejects with ClosedFileError after `close`. */
export interface LogFile {
  /** Writes all chunks, one after the other, from `position` on. */
  write (chunks: readonly Buffer[], position: number): Promise<void>
  /** Fills `into` from `position` on, as far as the file goes, and says how far that was. */
  read (into: Buffer, position: number): Promise<number>
  /** fdatasync: resolves when everything written before the call is on the disk. */
  sync (): Promise<void>
  truncate (size: number): Promise<void>
  /** Waits for what is under way. More than once is harmless. */
  close (): Promise<void>
}

export interface FileSystem {
  /** Opens for reading and writing; `create` fails if the file is there, and without it the file must be. */
  open (path: string, create?: boolean): Promise<LogFile>
  /** Bytes, or -1 if there is no such file. */
  size (path: string): Promise<number>
  /** Names in a folder, unordered; none if it is not there. */
  list (directory: string): Promise<string[]>
  /** Makes a folder and those above it, durably. */
  makeDirectory (directory: string): Promise<void>
  readFile (path: string): Promise<Buffer>
  /** Writes a file that may be lost in a crash. */
  writeFile (path: string, content: Buffer): Promise<void>
  /** Replaces a small file in one step, durably: a reader sees the old content or the new one, after a crash too. */
  replaceFile (path: string, content: string | Buffer): Promise<void>
  /** Atomic; the folder still has to be synced. */
  rename (from: string, to: string): Promise<void>
  /** Removes a file or a whole folder; one that is not there is no error. */
  remove (path: string): Promise<void>
  /** Makes creations, renames and removals in a folder durable. */
  syncDirectory (directory: string): Promise<void>
}

const directWrites = new DirectWrites()

class RealFile implements LogFile {
  readonly #fd: number
  #busy = 0
  #whenIdle: (() => void) | null = null
  #closing: Promise<void> | null = null

  constructor (fd: number) {
    this.#fd = fd
  }

  async write (chunks: readonly Buffer[], position: number): Promise<void> {
    this.#begin()
    try {
      for (let rest = chunks; rest.length > 0;) {
        const count = await this.#writeOnce(rest as Buffer[], position)
        if (count === 0) throw new Error('the file takes no more bytes')
        position += count
        rest = withoutFirst(rest, count)
      }
    } finally {
      this.#end()
    }
  }

  #writeOnce (chunks: Buffer[], position: number): number | Promise<number> {
    const startedAtMs = performance.now()
    if (!directWrites.suits(sizeOf(chunks), startedAtMs)) return call(done => fs.writev(this.#fd, chunks, position, done))
    const count = fs.writevSync(this.#fd, chunks, position)
    directWrites.made(startedAtMs, performance.now())
    return count
  }

  async read (into: Buffer, position: number): Promise<number> {
    this.#begin()
    try {
      let filled = 0
      while (filled < into.length) {
        const count = await call<number>(done => fs.read(this.#fd, into, filled, into.length - filled, position + filled, done))
        if (count === 0) break
        filled += count
      }
      return filled
    } finally {
      this.#end()
    }
  }

  async sync (): Promise<void> {
    this.#begin()
    try {
      await call<void>(done => fs.fdatasync(this.#fd, done))
    } finally {
      this.#end()
    }
  }

  async truncate (size: number): Promise<void> {
    this.#begin()
    try {
      await call<void>(done => fs.ftruncate(this.#fd, size, done))
    } finally {
      this.#end()
    }
  }

  close (): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close (): Promise<void> {
    if (this.#busy > 0) await new Promise<void>(resolve => { this.#whenIdle = resolve })
    await call<void>(done => fs.close(this.#fd, done))
  }

  #begin (): void {
    if (this.#closing !== null) throw new ClosedFileError('The file is closed.')
    this.#busy++
  }

  #end (): void {
    if (--this.#busy === 0) this.#whenIdle?.()
  }
}

/** One promise for one call: this is the hot path, and neither FileHandle nor promisify make do with that. */
function call<T> (start: (done: (error: Error | null, result?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => start((error, result) => error === null ? resolve(result as T) : reject(error)))
}

function sizeOf (chunks: readonly Buffer[]): number {
  let bytes = 0
  for (const chunk of chunks) bytes += chunk.length
  return bytes
}

/** What is left of `chunks` without their first `count` bytes: a write may take less than it was given. */
export function withoutFirst (chunks: readonly Buffer[], count: number): readonly Buffer[] {
  let index = 0
  while (index < chunks.length && count >= chunks[index]!.length) count -= chunks[index++]!.length
  return index < chunks.length ? [chunks[index]!.subarray(count), ...chunks.slice(index + 1)] : []
}

/**
 * Step by step, because Node's own `recursive` never ends where a folder is there and takes no other, as in /proc. Where
 * the one above it was missing and is there now, somebody else has made it: that is tried once more, and no more.
 */
async function makeDirectory (directory: string, isAgain = false): Promise<void> {
  const parent = dirname(resolve(directory))
  try {
    await fs.promises.mkdir(directory)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await fs.promises.stat(directory)).isDirectory()) return
    if (code !== 'ENOENT' || isAgain) throw error
    if (await realFileSystem.size(parent) < 0) await makeDirectory(parent)
    return await makeDirectory(directory, true)
  }
  await realFileSystem.syncDirectory(parent)
}

export const realFileSystem: FileSystem = {
  async open (path, create = false) {
    return new RealFile(await call<number>(done => fs.open(path, create ? 'wx+' : 'r+', done)))
  },

  async size (path) {
    const found = await fs.promises.stat(path).catch(ignoreMissing)
    return found?.size ?? -1
  },

  async list (directory) {
    return await fs.promises.readdir(directory).catch(ignoreMissing) ?? []
  },

  makeDirectory: directory => makeDirectory(directory),

  readFile: path => fs.promises.readFile(path),
  writeFile: (path, content) => fs.promises.writeFile(path, content),

  async replaceFile (path, content) {
    const draft = `${path}.tmp`
    const file = await fs.promises.open(draft, 'w')
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await fs.promises.rename(draft, path)
    await this.syncDirectory(dirname(path))
  },

  rename: (from, to) => fs.promises.rename(from, to),

  remove: path => fs.promises.rm(path, { recursive: true, force: true }),

  async syncDirectory (directory) {
    const handle = await fs.promises.open(directory, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }
}

function ignoreMissing (error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  throw error
}
