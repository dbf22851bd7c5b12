/**
 * A leader that was asked and says nothing may be held or cut off while its followers have chosen another. Kafka's clients
 * notice that in half a minute; behind a gateway, where one connection leads to all brokers, so much else would wait for it.
 */
import { UpstreamFailure } from './failure.ts'

/** Who has not answered for so long is asked about, again and again. */
const SILENCE_MS = 2000

/** The answer, unless others come to lead what it is about. Rejects with UpstreamFailure then: what became of the request nobody knows. */
export async function whileItLeads<T> (answer: Promise<T>, leads: () => boolean, refresh: () => Promise<void>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const look = async (): Promise<void> => {
    await refresh().catch(() => {}) // whoever knows better may be reached the next time
    if (!leads()) reject(new UpstreamFailure('Another broker leads now, and the one that was asked has not answered.', true))
  }
  const timer = setInterval(look, SILENCE_MS)
  try {
    return await Promise.race([answer, promise])
  } finally {
    clearInterval(timer)
  }
}
