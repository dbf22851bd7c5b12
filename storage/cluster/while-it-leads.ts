/**
 * A leader that was asked and says nothing may be held or cut off while its followers have chosen another. Kafka's clients
 * notice that in half a minute; behind a gateway, where one connection leads to all brokers, so much else would wait for it.
 */
import { UpstreamFailure } from './failure.ts'

/** Who has not answered for so long is asked about, again and again. */
const SILENCE_MS = 1500

interface Asked {
  /** When it is asked about, in ms of `performance.now()`. */
  lookAt: number
  readonly leads: () => boolean
  readonly refresh: () => Promise<void>
  readonly reject: (error: UpstreamFailure) => void
}

/** All that were asked and have not answered. One sweep looks at them: a timer for each request would cost more than the rest of this. */
export class SilentLeaders {
  readonly #asked = new Set<Asked>()

  /** The answer, unless others come to lead what it is about. Rejects with UpstreamFailure then: what became of the request nobody knows. */
  whileItLeads<T> (answer: Promise<T>, leads: () => boolean, refresh: () => Promise<void>): Promise<T> {
    return new Promise((resolve, reject) => {
      const one: Asked = { lookAt: performance.now() + SILENCE_MS, leads, refresh, reject }
      this.#asked.add(one)
      answer.then(answer => {
        this.#asked.delete(one)
        resolve(answer)
      }, (error: Error) => {
        this.#asked.delete(one)
        reject(error)
      })
    })
  }

  tick (now: number): void {
    for (const one of this.#asked) {
      if (now < one.lookAt) continue
      one.lookAt = now + SILENCE_MS
      this.#look(one)
    }
  }

  async #look (one: Asked): Promise<void> {
    await one.refresh().catch(() => {}) // whoever knows better may be reached the next time
    if (!one.leads()) one.reject(new UpstreamFailure('Another broker leads now, and the one that was asked has not answered.', true))
  }
}
