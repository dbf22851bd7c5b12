import t from 'tap'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

interface Result {
  readonly states: number
  readonly violations: readonly string[]
  /** How often the workload did what it is for. */
  readonly removed: number
  readonly replaced: number
  readonly refused: number
}

const workloads: { readonly [name: string]: keyof Result } = { appending: 'removed', compacting: 'replaced', 'a full disk': 'refused' }

for (const [workload, counted] of Object.entries(workloads)) {
  t.test(`${workload}: whatever a crash leaves, the log keeps what it has promised`, async t => {
    const worker = new Worker(new URL('crash-worker.ts', import.meta.url), { workerData: workload })
    const [result] = await once(worker, 'message') as [Result]
    const { states, violations } = result
    t.strictSame(violations.slice(0, 5), [], `${violations.length} of ${states} states`)
    t.ok(states > 1500, `${states} states`)
    t.ok(Number(result[counted]) > 5, `${counted}: ${Number(result[counted])}`)
  })
}
