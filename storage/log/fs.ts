/**
 * Every touch of the disk goes through here, so that tests can fail any of them and record their order, and so that one
 * place knows what makes a change durable: data with fdatasync, names with an fsync of their folder.
 */
import fs from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

/** An open file. Operations may overlap; `close` waits for those under way, so that no descriptor is reused beneath them. */
export interface LogFile {
  /** Writes all chunks, one after the other, from `position` on. */
  write (chunks: readonly Buffer[], position: number): Promise<void>
  /** Fills `into` from `position` on, as far as the file goes, and says how far that was. */
  read (into: Buffer, position: number): Promise<number>
  /** fdatasync: resolves when everything written before the call is on the disk. */
  sync (): Promise<void>
  truncate (size: number): Promise<void>
  close (): Promise<void>
}

export interface FileSystem {
  /** Opens for reading and writing; `create` fails if the file is there, and without it the file must be. */
  open (path: string, create?: boolean): Promise<LogFile>
  /** Bytes, or -1 if there is no such file. */
  size (path: string): Promise<number>
  /** Names in a folder, unordered; none if it is not there. */
  list (directory: string): Promise<string[]>
  makeDirectory (directory: string): Promise<void>
  readFile (path: string): Promise<Buffer>
  /** Writes a file that may be lost in a crash. */
  writeFile (path: string, content: Buffer): Promise<void>
  /** Replaces a small file in one step: a reader sees the old content or the new one, after a crash too. */
  replaceFile (path: string, content: string | Buffer): Promise<void>
  /** Atomic; the folder still has to be synced. */
  rename (from: string, to: string): Promise<void>
  /** Removes a file or a whole folder; one that is not there is no error. */
  remove (path: string): Promise<void>
  /** Makes creations, renames and removals in a folder durable. */
  syncDirectory (directory: string): Promise<void>
}

// The callback forms: a promise of our own costs less than a FileHandle's.
const write = promisify(fs.writev)
const read = promisify(fs.read)
const fdatasync = promisify(fs.fdatasync)
const fsync = promisify(fs.fsync)
const ftruncate = promisify(fs.ftruncate)
const close = promisify(fs.close)

class RealFile implements LogFile {
  readonly #fd: number
  #busy = 0
  #whenIdle: (() => void) | null = null

  constructor (fd: number) {
    this.#fd = fd
  }

  write (chunks: readonly Buffer[], position: number): Promise<void> {
    return this.#use(async () => {
      let rest = chunks
      for (;;) {
        const { bytesWritten } = await write(this.#fd, rest as Buffer[], position)
        position += bytesWritten
        rest = dropBytes(rest, bytesWritten)
        if (rest.length === 0) return
      }
    })
  }

  read (into: Buffer, position: number): Promise<number> {
    return this.#use(async () => {
      let filled = 0
      while (filled < into.length) {
        const { bytesRead } = await read(this.#fd, into, filled, into.length - filled, position + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return filled
    })
  }

  sync (): Promise<void> {
    return this.#use(() => fdatasync(this.#fd))
  }

  truncate (size: number): Promise<void> {
    return this.#use(() => ftruncate(this.#fd, size))
  }

  async close (): Promise<void> {
    if (this.#busy > 0) await new Promise<void>(resolve => { this.#whenIdle = resolve })
    await close(this.#fd)
  }

  async #use<T> (operation: () => Promise<T>): Promise<T> {
    this.#busy++
    try {
      return await operation()
    } finally {
      if (--this.#busy === 0) this.#whenIdle?.()
    }
  }
}

/** What is left of `chunks` after a write that took only `count` bytes of them. */
function dropBytes (chunks: readonly Buffer[], count: number): readonly Buffer[] {
  let index = 0
  while (index < chunks.length && count >= chunks[index]!.length) count -= chunks[index++]!.length
  return index < chunks.length ? [chunks[index]!.subarray(count), ...chunks.slice(index + 1)] : []
}

const MISSING = 'ENOENT'
const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === MISSING

export const realFileSystem: FileSystem = {
  async open (path, create = false) {
    return new RealFile(await promisify(fs.open)(path, create ? 'wx+' : 'r+'))
  },

  async size (path) {
    const found = await fs.promises.stat(path).catch(ignoreMissing)
    return found?.size ?? -1
  },

  async list (directory) {
    return await fs.promises.readdir(directory).catch(ignoreMissing) ?? []
  },

  async makeDirectory (directory) {
    await fs.promises.mkdir(directory, { recursive: true })
  },

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
    const fd = await promisify(fs.open)(directory, 'r')
    try {
      await fsync(fd)
    } finally {
      await close(fd)
    }
  }
}

function ignoreMissing (error: unknown): undefined {
  if (isMissing(error)) return undefined
  throw error
}
