/**
 * Kafka Streams with exactly_once_v2: the sum after each number, of each key. Fed by Kafka's idempotent producer.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { kafkaTool, startKafkaApp, startKafkaTool } from '../../interop/support/java.ts'
import { temporaryFolder } from '../../interop/support/ports.ts'
import type { Background } from '../../interop/support/run.ts'
import { recordsOf } from './records.ts'

const PROGRAM = new URL('../../interop/support/RunningSums.java', import.meta.url).pathname
const NUMBERS = 'numbers'
const SUMS = 'sums'
const KEYS = 10
const A_SECOND = 200
/** The tool would give up at the first error. */
export const PATIENCE = 'retries=2147483647\ndelivery.timeout.ms=1200000\nmax.block.ms=600000\nenable.idempotence=true\nacks=all\n'

export class Streams {
  readonly #numbers: Background
  readonly #app: Background

  private constructor (numbers: Background, app: Background) {
    this.#numbers = numbers
    this.#app = app
  }

  static async start (t: Test, bootstrap: string): Promise<Streams> {
    const folder = temporaryFolder(t)
    const config = join(folder, 'producer.properties')
    writeFileSync(config, PATIENCE)
    for (const topic of [NUMBERS, SUMS]) await kafkaTool('TopicCommand', ['--bootstrap-server', bootstrap, '--create', '--topic', topic, '--partitions', '3'])
    const app = await startKafkaApp(t, PROGRAM, [bootstrap, NUMBERS, SUMS, join(folder, 'state')])
    await app.until(/^RUNNING$/m, 120_000)
    const numbers = await startKafkaTool(t, 'VerifiableProducer', ['--bootstrap-server', bootstrap, '--topic', NUMBERS, '--acks', '-1',
      '--throughput', String(A_SECOND), '--repeating-keys', String(KEYS), '--command-config', config])
    await numbers.until(/producer_send_success/)
    return new Streams(numbers, app)
  }

  /** `bootstrap` is that of the brokers themselves. */
  async finish (t: Test, bootstrap: string): Promise<void> {
    await this.#numbers.end('SIGTERM') // it waits for what is under way
    const events = this.#numbers.stdout.split('\n').slice(0, -1).map(line => JSON.parse(line) as { name: string, value?: string })
    t.notOk(events.some(({ name }) => name === 'producer_send_error'), 'Streams: every number was acknowledged')
    const acknowledged = events.filter(({ name }) => name === 'producer_send_success').map(({ value }) => value!)

    const numbers = await recordsOf(bootstrap, NUMBERS)
    t.equal(new Set(numbers.map(([, value]) => value)).size, numbers.length, 'Streams: no number is there twice')
    const there = new Set(numbers.map(([, value]) => value))
    t.strictSame(acknowledged.filter(value => !there.has(value)).slice(0, 5), [], 'Streams: every number that was acknowledged is there')
    const byKey = Map.groupBy(numbers, ([key]) => key)
    for (const [key, all] of byKey) {
      const ascending = all.every(([, value], i) => i === 0 || Number(value) > Number(all[i - 1]![1]))
      if (!ascending) t.fail(`Streams: the numbers of key ${key} are not in the order in which they were sent`)
    }

    let sums = await recordsOf(bootstrap, SUMS)
    for (let left = 10; sums.length < numbers.length && left > 0; left--) sums = await recordsOf(bootstrap, SUMS)
    t.comment(`Streams: ${acknowledged.length} numbers acknowledged, ${numbers.length} there, ${sums.length} sums`)
    t.equal(sums.length, numbers.length, 'Streams: as many sums as numbers')
    const found = Map.groupBy(sums, ([key]) => key)
    t.equal(byKey.size, KEYS, 'Streams: of every key')
    for (const [key, all] of byKey) {
      let sum = 0
      const expected = all.map(([, value]) => String(sum += Number(value)))
      t.strictSame(found.get(key)?.map(([, value]) => value), expected, `Streams: every sum of key ${key} is exact, once and in order`)
    }
    this.#app.endInput()
    t.equal(await this.#app.exit, 0, 'Streams: it ends in good order')
    const [, replaced] = await this.#app.until(/(\d+) threads replaced/)
    t.comment(`Streams: ${replaced} threads replaced`)
  }
}
