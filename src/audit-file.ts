/**
 * The file of the audit: lines are appended in order, in the background. What the disk cannot take in time is dropped and
 * counted, never waited for.
 */
import { open, type FileHandle } from 'node:fs/promises'
import { LogLimit } from './kafka/log-limit.ts'
import type { Logger } from './logger.ts'

const MAX_QUEUED = 10_000
/** For nobody but the user of the process: it says who did what. */
const MODE = 0o600

export class AuditFile {
  readonly #path: string
  readonly #log: LogLimit
  #handle: FileHandle
  #queue: string[] = []
  #writing: Promise<void> | null = null
  #reopen = false
  /** Whether the last write may have ended in the middle of a line. */
  #torn = false
  /** Lines that were given up. */
  dropped = 0

  private constructor (path: string, handle: FileHandle, logger: Logger) {
    this.#path = path
    this.#handle = handle
    this.#log = new LogLimit(logger)
  }

  /** Rejects with a sentence. */
  static async open (path: string, logger: Logger): Promise<AuditFile> {
    try {
      return new AuditFile(path, await open(path, 'a', MODE), logger)
    } catch (error) {
      throw new Error(`The audit file ${path} (--audit-file) cannot be opened: ${(error as Error).message}. Make its folder, or name another.`)
    }
  }

  append (line: string): void {
    if (this.#queue.length >= MAX_QUEUED) this.dropped++
    else this.#queue.push(line)
    this.#work()
  }

  /** Goes on in a file of the same name, for those who have moved this one away. */
  reopen (): void {
    this.#reopen = true
    this.#work()
  }

  async close (): Promise<void> {
    while (this.#writing !== null) await this.#writing
    await this.#handle.close()
  }

  #work (): void {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null
      if (this.#queue.length > 0 || this.#reopen) this.#work()
    })
  }

  async #write (): Promise<void> {
    if (this.#reopen) await this.#exchange()
    const lines = this.#queue
    if (lines.length === 0) return
    this.#queue = []
    try {
      await this.#handle.appendFile(`${this.#torn ? '\n' : ''}${lines.join('\n')}\n`)
      this.#torn = false
    } catch (error) {
      this.#torn = true
      this.dropped += lines.length
      this.#log.write('error', 'write', { path: this.#path, err: error, lines: lines.length }, 'the audit file refused')
    }
  }

  async #exchange (): Promise<void> {
    this.#reopen = false
    try {
      const handle = await open(this.#path, 'a', MODE)
      await this.#handle.close()
      this.#handle = handle
      this.#torn = false
    } catch (error) {
      this.#log.write('error', 'open', { path: this.#path, err: error }, 'the audit file refused')
    }
  }
}
