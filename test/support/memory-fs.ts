/**
 * A disk in memory, and a file system on it that writes down every change. From that list the disk can be made as a crash
 * might have left it: with some changes lost, or half done.
 */
import { dirname } from 'node:path'
import { ClosedFileError, type FileSystem, type LogFile } from '../../storage/log/fs.ts'

export type Change =
  | { readonly kind: 'create', readonly path: string, readonly file: number }
  | { readonly kind: 'write', readonly file: number, readonly position: number, readonly bytes: Buffer }
  | { readonly kind: 'truncate', readonly file: number, readonly size: number }
  | { readonly kind: 'sync', readonly file: number }
  | { readonly kind: 'rename', readonly from: string, readonly to: string }
  | { readonly kind: 'remove', readonly path: string }
  | { readonly kind: 'makeDirectory', readonly path: string }
  | { readonly kind: 'syncDirectory', readonly path: string }

/** Files by number, so that they can be written while they have no name any more, and their names. */
export class Disk {
  readonly files = new Map<number, Buffer>()
  readonly names = new Map<string, number>()
  readonly directories = new Set<string>()

  apply (change: Change): void {
    switch (change.kind) {
      case 'create':
        this.files.set(change.file, Buffer.alloc(0))
        this.names.set(change.path, change.file)
        return
      case 'write':
        return this.#write(change.file, change.position, change.bytes)
      case 'truncate':
        return this.#resize(change.file, change.size)
      case 'rename':
        return this.#rename(change.from, change.to)
      case 'remove':
        for (const path of this.names.keys()) if (path === change.path || path.startsWith(`${change.path}/`)) this.names.delete(path)
        this.directories.delete(change.path)
        return
      case 'makeDirectory':
        this.directories.add(change.path)
    }
  }

  /** Files that were never created are those whose creation was lost. */
  #write (file: number, position: number, bytes: Buffer): void {
    const old = this.files.get(file)
    if (old === undefined) return
    if (old.length < position + bytes.length) this.#resize(file, position + bytes.length)
    bytes.copy(this.files.get(file)!, position)
  }

  #resize (file: number, size: number): void {
    const old = this.files.get(file)
    if (old !== undefined) this.files.set(file, size <= old.length ? Buffer.from(old.subarray(0, size)) : Buffer.concat([old, Buffer.alloc(size - old.length)]))
  }

  #rename (from: string, to: string): void {
    for (const [path, file] of [...this.names]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue
      this.names.delete(path)
      this.names.set(to + path.slice(from.length), file)
    }
  }

  /** What is there, by path. */
  contents (): Map<string, Buffer> {
    return new Map([...this.names].map(([path, file]) => [path, this.files.get(file)!] as const).sort(([a], [b]) => a < b ? -1 : 1))
  }

  copy (): Disk {
    const copy = new Disk()
    for (const [file, bytes] of this.files) copy.files.set(file, Buffer.from(bytes))
    for (const [path, file] of this.names) copy.names.set(path, file)
    for (const path of this.directories) copy.directories.add(path)
    return copy
  }
}

export class MemoryFileSystem implements FileSystem {
  readonly disk: Disk
  /** Every change, in the order in which they were made. */
  readonly changes: Change[] = []
  #nextFile: number

  constructor (disk = new Disk()) {
    this.disk = disk
    this.#nextFile = Math.max(0, ...disk.files.keys()) + 1
  }

  change (change: Change): void {
    this.changes.push(change)
    this.disk.apply(change)
  }

  async open (path: string, create = false): Promise<LogFile> {
    if (!this.disk.names.has(path)) {
      if (!create) throw systemError('ENOENT', path)
      this.#create(path)
    } else if (create) {
      throw systemError('EEXIST', path)
    }
    return new MemoryFile(this, this.disk.names.get(path)!)
  }

  #create (path: string): number {
    if (!this.disk.directories.has(dirname(path))) throw systemError('ENOENT', path)
    const file = this.#nextFile++
    this.change({ kind: 'create', path, file })
    return file
  }

  async size (path: string): Promise<number> {
    const file = this.disk.names.get(path)
    return file === undefined ? -1 : this.disk.files.get(file)!.length
  }

  async list (directory: string): Promise<string[]> {
    return [...this.disk.names.keys()].filter(path => dirname(path) === directory).map(path => path.slice(directory.length + 1))
  }

  async makeDirectory (directory: string): Promise<void> {
    for (let path = directory; path !== dirname(path); path = dirname(path)) {
      if (!this.disk.directories.has(path)) this.change({ kind: 'makeDirectory', path })
    }
  }

  async readFile (path: string): Promise<Buffer> {
    const file = this.disk.names.get(path)
    if (file === undefined) throw systemError('ENOENT', path)
    return Buffer.from(this.disk.files.get(file)!)
  }

  async writeFile (path: string, content: Buffer): Promise<void> {
    this.#put(path, content)
  }

  #put (path: string, content: Buffer): number {
    const file = this.disk.names.get(path) ?? this.#create(path)
    this.change({ kind: 'truncate', file, size: 0 })
    if (content.length > 0) this.change({ kind: 'write', file, position: 0, bytes: Buffer.from(content) })
    return file
  }

  async replaceFile (path: string, content: string | Buffer): Promise<void> {
    const file = this.#put(`${path}.tmp`, Buffer.from(content))
    this.change({ kind: 'sync', file })
    this.change({ kind: 'rename', from: `${path}.tmp`, to: path })
    this.change({ kind: 'syncDirectory', path: dirname(path) })
  }

  async rename (from: string, to: string): Promise<void> {
    if (!this.disk.names.has(from)) throw systemError('ENOENT', from)
    this.change({ kind: 'rename', from, to })
  }

  async remove (path: string): Promise<void> {
    if (this.disk.names.has(path) || this.disk.directories.has(path)) this.change({ kind: 'remove', path })
  }

  async syncDirectory (path: string): Promise<void> {
    this.change({ kind: 'syncDirectory', path })
  }
}

class MemoryFile implements LogFile {
  readonly #fs: MemoryFileSystem
  readonly #file: number
  #isClosed = false

  constructor (fs: MemoryFileSystem, file: number) {
    this.#fs = fs
    this.#file = file
  }

  async write (chunks: readonly Buffer[], position: number): Promise<void> {
    this.#check()
    this.#fs.change({ kind: 'write', file: this.#file, position, bytes: Buffer.concat(chunks) })
  }

  async read (into: Buffer, position: number): Promise<number> {
    this.#check()
    const bytes = this.#fs.disk.files.get(this.#file)!
    return position < bytes.length ? bytes.copy(into, 0, position) : 0
  }

  async sync (): Promise<void> {
    this.#check()
    this.#fs.change({ kind: 'sync', file: this.#file })
  }

  async truncate (size: number): Promise<void> {
    this.#check()
    this.#fs.change({ kind: 'truncate', file: this.#file, size })
  }

  async close (): Promise<void> {
    this.#isClosed = true
  }

  #check (): void {
    if (this.#isClosed) throw new ClosedFileError('The file is closed.')
  }
}

export function systemError (code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
