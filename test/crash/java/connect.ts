/**
 * Kafka Connect, distributed: a file that grows becomes a topic, and that another file. At least once, and in order.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { kafkaTool, startKafkaApp } from '../../interop/support/java.ts'
import { linesOf } from '../../interop/support/lines.ts'
import { freePort, temporaryFolder } from '../../interop/support/ports.ts'
import { eventually, firstOnes } from './records.ts'

const TOPIC = 'lines-of-a-file'
const WRITE_MS = 20
const START_MS = 120_000

export class Connector {
  readonly #to: string
  readonly #source: NodeJS.Timeout
  readonly #rest: string
  #written: number

  private constructor (from: string, to: string, rest: string) {
    this.#to = to
    this.#rest = rest
    this.#written = 0
    this.#source = setInterval(() => appendFileSync(from, `${this.#written++}\n`), WRITE_MS)
  }

  static async start (t: Test, bootstrap: string): Promise<Connector> {
    const folder = temporaryFolder(t)
    const [from, to] = [join(folder, 'from.txt'), join(folder, 'to.txt')]
    writeFileSync(from, '')
    const rest = `http://127.0.0.1:${await freePort()}`
    const string = 'org.apache.kafka.connect.storage.StringConverter'
    const properties = [
      `bootstrap.servers=${bootstrap}`, 'group.id=connect-workers', `listeners=${rest}`, `key.converter=${string}`, `value.converter=${string}`,
      'plugin.discovery=service_load', 'offset.flush.interval.ms=2000',
      ...['config', 'offset', 'status'].flatMap(what => [`${what}.storage.topic=connect-${what}`, `${what}.storage.replication.factor=-1`]),
      'offset.storage.partitions=3', 'status.storage.partitions=1'
    ]
    const config = join(folder, 'connect.properties')
    writeFileSync(config, properties.map(line => `${line}\n`).join(''))
    await kafkaTool('TopicCommand', ['--bootstrap-server', bootstrap, '--create', '--topic', TOPIC, '--partitions', '1'])
    await startKafkaApp(t, 'org.apache.kafka.connect.cli.ConnectDistributed', [config])
    const file = 'org.apache.kafka.connect.file.FileStream'
    await make(rest, 'source', { 'connector.class': `${file}SourceConnector`, topic: TOPIC, file: from })
    await make(rest, 'sink', { 'connector.class': `${file}SinkConnector`, topics: TOPIC, file: to })
    const connector = new Connector(from, to, rest)
    t.teardown(() => clearInterval(connector.#source))
    if (!await eventually(() => connector.#received().length > 0, START_MS)) throw new Error(`Connect has brought nothing: ${await connector.#status()}`)
    return connector
  }

  async finish (t: Test): Promise<void> {
    clearInterval(this.#source)
    const isComplete = await eventually(() => new Set(this.#received()).size >= this.#written)
    const received = this.#received()
    const once = firstOnes(received)
    t.comment(`Connect: ${this.#written} lines written, ${received.length} received, ${once.length} of them different`)
    t.ok(isComplete, `Connect: every line has come; ${await this.#status()}`)
    t.strictSame(once, Array.from({ length: this.#written }, (_, i) => String(i)), 'Connect: in order')
  }

  #received (): string[] {
    if (!existsSync(this.#to)) return []
    const text = readFileSync(this.#to, 'utf8')
    return linesOf(text.slice(0, text.lastIndexOf('\n') + 1)) // the last one may still be written
  }

  async #status (): Promise<string> {
    return await (await fetch(`${this.#rest}/connectors?expand=status`)).text().catch(String)
  }
}

/** A worker that starts, or has just lost its group, is asked again. */
async function make (rest: string, name: string, config: Record<string, string>): Promise<void> {
  let told = ''
  for (const deadline = Date.now() + START_MS; Date.now() < deadline; await sleep(500)) {
    const response = await fetch(`${rest}/connectors/${name}/config`, {
      method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ 'tasks.max': '1', ...config })
    }).catch(() => null)
    if (response?.ok === true) return
    if (response !== null) told = `${response.status} ${await response.text()}`
  }
  throw new Error(`Connect does not make ${name} in ${START_MS} ms: ${told}`)
}
