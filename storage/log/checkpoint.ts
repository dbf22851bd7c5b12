/**
 * One offset for each partition, in Kafka's checkpoint format: a version, a count, then `topic partition offset` lines.
 * Replaced as a whole, so a crash leaves the old one or the new one.
 */
import type { FileSystem } from './fs.ts'

const VERSION = 0

export class Checkpoint {
  readonly #fs: FileSystem
  readonly #path: string
  /** The write under way: writes of one file must not overtake each other. */
  #writing: Promise<void> = Promise.resolve()

  constructor (fs: FileSystem, path: string) {
    this.#fs = fs
    this.#path = path
  }

  /** By `topic-partition`. A file that is missing or makes no sense is empty: what it saves is a scan, or deleted records shown again. */
  async read (): Promise<Map<string, number>> {
    if (await this.#fs.size(this.#path) < 0) return new Map()
    const [version, count, ...lines] = (await this.#fs.readFile(this.#path)).toString().split('\n').filter(line => line !== '')
    if (Number(version) !== VERSION || Number(count) !== lines.length) return new Map()
    const rows = lines.map(line => /^(\S+) (\d+) (\d+)$/.exec(line)).filter(row => row !== null)
    return new Map(rows.map(([, topic, partition, offset]) => [`${topic}-${partition}`, Number(offset)] as const)
      .filter(([, offset]) => Number.isSafeInteger(offset)))
  }

  async write (rows: ReadonlyArray<{ readonly topic: string, readonly partition: number, readonly offset: number }>): Promise<void> {
    const lines = rows.map(({ topic, partition, offset }) => `${topic} ${partition} ${offset}\n`)
    const content = `${VERSION}\n${rows.length}\n${lines.join('')}`
    const next = this.#writing.then(() => this.#fs.replaceFile(this.#path, content))
    this.#writing = next.catch(() => {})
    await next
  }
}
