/**
 * kafka-console-producer and kafka-console-consumer: lines go in at one end, and come out at the other.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { kafkaTool, startKafkaTool } from '../../interop/support/java.ts'
import { linesOf } from '../../interop/support/lines.ts'
import { temporaryFolder } from '../../interop/support/ports.ts'
import type { Background } from '../../interop/support/run.ts'
import { eventually, firstOnes, recordsOf } from './records.ts'
import { PATIENCE } from './streams.ts'

const TOPIC = 'console'
const WRITE_MS = 20
const START_MS = 60_000

export class Console {
  readonly #producer: Background
  readonly #consumer: Background
  readonly #source: NodeJS.Timeout
  #written = 0

  private constructor (producer: Background, consumer: Background) {
    this.#producer = producer
    this.#consumer = consumer
    this.#source = setInterval(() => producer.write(`${this.#written++}\n`), WRITE_MS)
  }

  static async start (t: Test, bootstrap: string): Promise<Console> {
    const config = join(temporaryFolder(t), 'producer.properties')
    writeFileSync(config, PATIENCE)
    await kafkaTool('TopicCommand', ['--bootstrap-server', bootstrap, '--create', '--topic', TOPIC, '--partitions', '1'])
    const consumer = await startKafkaTool(t, 'consumer.ConsoleConsumer',
      ['--bootstrap-server', bootstrap, '--topic', TOPIC, '--group', 'console', '--from-beginning'])
    const producer = await startKafkaTool(t, 'ConsoleProducer', ['--bootstrap-server', bootstrap, '--topic', TOPIC, '--command-config', config])
    const tools = new Console(producer, consumer)
    t.teardown(() => clearInterval(tools.#source))
    if (!await eventually(() => tools.#received().length > 0, START_MS)) throw new Error(`the console shows nothing: ${producer.stderr}${consumer.stderr}`)
    return tools
  }

  async finish (t: Test, bootstrap: string): Promise<void> {
    clearInterval(this.#source)
    this.#producer.endInput()
    t.equal(await this.#producer.exit, 0, 'console: the producer ends in good order')
    const expected = Array.from({ length: this.#written }, (_, i) => String(i))
    const there = (await recordsOf(bootstrap, TOPIC)).map(([, value]) => value)
    t.strictSame(there, expected, 'console: every line is there, once and in order')
    await eventually(() => new Set(this.#received()).size >= this.#written)
    const received = this.#received()
    t.comment(`console: ${this.#written} lines written, ${received.length} received`)
    t.strictSame(firstOnes(received), expected, 'console: every line was received, in order')
  }

  #received (): string[] {
    return linesOf(this.#consumer.stdout.slice(0, this.#consumer.stdout.lastIndexOf('\n') + 1))
  }
}
