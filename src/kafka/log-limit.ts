/**
 * Log lines that a stranger can provoke: so many of a kind per window, the rest are counted and reported with the next
 * line of that kind. A flood of nonsense costs a few lines, and hides nothing of another kind.
 */
import type { Logger } from 'pino'

interface Window { since: number, lines: number, suppressed: number }

export class LogLimit {
  readonly #logger: Logger
  readonly #lines: number
  readonly #windowMs: number
  readonly #windows = new Map<string, Window>()

  constructor (logger: Logger, lines = 10, windowMs = 10_000) {
    this.#logger = logger
    this.#lines = lines
    this.#windowMs = windowMs
  }

  /** `kind` comes from a fixed set, never from the peer. */
  write (level: 'info' | 'warn' | 'error', kind: string, fields: object, sentence: string): void {
    const now = performance.now()
    let window = this.#windows.get(kind)
    if (window === undefined) this.#windows.set(kind, window = { since: now, lines: 0, suppressed: 0 })
    if (now - window.since >= this.#windowMs) {
      window.since = now
      window.lines = 0
    }
    if (window.lines >= this.#lines) {
      window.suppressed++
      return
    }
    window.lines++
    const { suppressed } = window
    window.suppressed = 0
    this.#logger[level](suppressed > 0 ? { ...fields, suppressed } : fields, sentence)
  }
}
