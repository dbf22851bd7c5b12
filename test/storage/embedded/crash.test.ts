import t from 'tap'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

interface Result { readonly states: number, readonly violations: readonly string[], readonly promises: number }

/** There are some thousands of states; `CRASH_STATES=all` tries each, the others are as good as these. */
const stride = process.env['CRASH_STATES'] === 'all' ? 1 : 11

t.test('whatever a crash leaves of the disk, the engine starts and keeps what it has promised', { timeout: 300_000 }, async t => {
  const worker = new Worker(new URL('crash-worker.ts', import.meta.url), { workerData: { folder: t.testdir(), stride } })
  const [{ states, violations, promises }] = await once(worker, 'message') as [Result]
  t.strictSame(violations.slice(0, 5), [], `${violations.length} of ${states} states, every ${stride}. of which was tried`)
  t.ok(states > 2000, `${states} states`)
  t.equal(promises, 12)
})
