/**
 * Asks a server all the time whether it is alive, from a process that has nothing else to do: how long it is made to wait is how long the
 * server's event loop stood still.
 *
 *   node watcher.ts http://HOST:PORT
 *   in: anything. out: {"longestMs":12}, since the last time, as soon as what is under way is answered
 */
import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const PAUSE_MS = 2

const agent = new Agent({ keepAlive: true })
let longestMs = 0
let asked = 0
let answeredTo = 0

const answered = (): Promise<void> => new Promise((resolve, reject) => {
  get(`${process.argv[2]}/livez`, { agent }, response => {
    response.resume()
    response.on('end', () => response.statusCode === 200 ? resolve() : reject(new Error(`/livez: ${response.statusCode}`)))
  }).on('error', reject)
})

process.on('message', () => { asked++ })
process.on('disconnect', () => process.exit(0))

for (;;) {
  const wanted = asked
  const startedAt = performance.now()
  await answered()
  longestMs = Math.max(longestMs, performance.now() - startedAt)
  for (; answeredTo < wanted; answeredTo++) {
    process.send!({ longestMs })
    longestMs = 0
  }
  await sleep(PAUSE_MS)
}
