/**
 * Turns on the event loop. Whoever was held back comes back with all that it has saved up, on all of its connections at
 * once; served as they come, they would keep everybody else waiting for as long as all of them take. So they are let in one
 * at a time and evenly, and what others send meanwhile goes between two of them.
 */
import { neverAborted } from '../../protocol/rpc.ts'

/** Those who share something. */
interface Line {
  readonly waiting: (() => void)[]
  /** When the next one is let in. */
  dueMs: number
  apartMs: number
}

/**
 * The next turn is this far away, divided by those that wait: the longer a line the faster it moves, as a connection that waits in it
 * answers nothing else. A hundred are through in 1.2 seconds, a thousand in 2.7.
 */
const LINE_MS = 500
/** Turns that are further apart than this disturb nobody less. */
const WIDEST_MS = 20

export class Turns {
  readonly #clock: () => number
  readonly #lines = new WeakMap<object, Line>()
  /** Lines in which somebody waits, in the order in which they were served last. */
  readonly #active = new Set<Line>()
  #immediate: NodeJS.Immediate | undefined
  #timer: NodeJS.Timeout | undefined

  /** `clock` is in ms and does not go back. */
  constructor (clock: () => number) {
    this.#clock = clock
  }

  /** Whether somebody waits who shares `key`: who comes after him is not to overtake. */
  has (key: object): boolean {
    return (this.#lines.get(key)?.waiting.length ?? 0) > 0
  }

  /**
   * Resolves when it is the caller's turn. Those who share `key` are let in in the order in which they came, `apartMs`
   * after each other unless too many wait for that. Who leaves (`signal`) takes no turn: it resolves at once.
   */
  take (key: object, apartMs: number, signal: AbortSignal = neverAborted): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise(resolve => {
      let line = this.#lines.get(key)
      if (line === undefined) this.#lines.set(key, line = { waiting: [], dueMs: 0, apartMs })
      line.apartMs = apartMs
      const { waiting } = line
      const letIn = (): void => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = (): void => {
        waiting.splice(waiting.indexOf(letIn), 1)
        if (waiting.length === 0) {
          this.#active.delete(line)
          this.#schedule()
        }
        resolve()
      }
      signal.addEventListener('abort', leave, { once: true })
      if (waiting.push(letIn) > 1) return
      this.#active.add(line)
      this.#schedule()
    })
  }

  readonly #letIn = (): void => {
    const nowMs = this.#clock()
    for (const line of this.#active) {
      if (line.dueMs > nowMs) continue
      const { waiting, apartMs } = line
      waiting.shift()!()
      this.#active.delete(line)
      line.dueMs = nowMs + Math.min(apartMs, WIDEST_MS, LINE_MS / (waiting.length + 1))
      if (waiting.length > 0) this.#active.add(line)
      break
    }
    this.#schedule()
  }

  #schedule (): void {
    clearImmediate(this.#immediate)
    clearTimeout(this.#timer)
    if (this.#active.size === 0) return
    let dueMs = Infinity
    for (const line of this.#active) dueMs = Math.min(dueMs, line.dueMs)
    const delayMs = dueMs - this.#clock()
    // Timers know whole milliseconds only.
    if (delayMs < 0.5) this.#immediate = setImmediate(this.#letIn)
    else this.#timer = setTimeout(this.#letIn, delayMs)
  }
}
