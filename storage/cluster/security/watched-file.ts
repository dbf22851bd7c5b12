/**
 * What files hold, read again when they change. What is new is taken as a whole or not at all: files that are gone, half
 * written or wrong leave what was read before where it is, with a warning.
 *
 * They are looked at when they are used and at no other time, so that nothing has to be watched, nor closed: at most once
 * a second, by `stat`, which follows the links that Kubernetes replaces.
 */
import { readFileSync, statSync } from 'node:fs'

const LOOK_MS = 1000

export interface WatchOptions {
  /** Told a sentence when what is new is not used, once for each thing that is wrong with it. */
  readonly warn?: ((sentence: string) => void) | undefined
  /** In ms; only differences count. */
  readonly clock?: (() => number) | undefined
}

export class WatchedFile<T> {
  readonly #paths: readonly string[]
  readonly #read: (before: T | null) => T
  readonly #warn: (sentence: string) => void
  readonly #clock: () => number
  #stamp: string
  #lookedMs: number
  #value: T

  /** `read` throws an Error with a sentence where the files cannot be used; so does this, the first time. */
  constructor (paths: readonly string[], read: (before: T | null) => T, { warn = () => {}, clock = () => performance.now() }: WatchOptions) {
    this.#paths = paths
    this.#read = read
    this.#warn = warn
    this.#clock = clock
    this.#lookedMs = clock()
    // Before they are read: what changes in between is seen the next time.
    this.#stamp = stampOf(paths)
    this.#value = read(null)
  }

  get value (): T {
    const nowMs = this.#clock()
    if (nowMs - this.#lookedMs < LOOK_MS) return this.#value
    this.#lookedMs = nowMs
    const stamp = stampOf(this.#paths)
    if (stamp === this.#stamp) return this.#value
    this.#stamp = stamp
    try {
      this.#value = this.#read(this.#value)
    } catch (error) {
      this.#warn(`${(error as Error).message} What was read before is used on.`)
    }
    return this.#value
  }
}

/** Different when a file is another, or holds something else. */
function stampOf (paths: readonly string[]): string {
  return paths.map(path => {
    try {
      const { ino, size, mtimeMs } = statSync(path)
      return `${ino} ${size} ${mtimeMs}`
    } catch (error) {
      return (error as NodeJS.ErrnoException).code
    }
  }).join('\n')
}

/** Throws an Error whose message says what is wrong with the file, never what it holds. */
export function readText (path: string, maxBytes: number): string {
  let text: string
  try {
    const { size } = statSync(path)
    if (size > maxBytes) throw new Error(`it is longer than ${maxBytes} bytes`)
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as Error).message}.`)
  }
  return text.replace(/^\uFEFF/, '')
}
