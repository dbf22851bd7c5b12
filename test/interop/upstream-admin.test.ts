/**
 * The same commands of Kafka's tools to a cluster of three brokers and to a gateway in front of one, line by line. What differs
 * is in a table with its reason; what differs and is not there fails, and so does what is there and does not differ.
 */
import t, { type Test } from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Metadata } from '../../protocol/messages/03-metadata.ts'
import { differences } from './support/admin-differences.ts'
import { classes, files, transcript, type Step } from './support/admin-transcript.ts'
import { kafkaVersion } from './support/against.ts'
import { KAFKA_VERSION } from './support/cache.ts'
import { startCluster } from './support/kafka-cluster.ts'
import { kcat } from './support/kcat.ts'
import { linesOf } from './support/lines.ts'
import { temporaryFolder } from './support/ports.ts'
import { startGateway } from './support/server.ts'
import { Speaker } from './support/speaker.ts'
import { Tools } from './support/tools.ts'

/** The brokers of a cluster learn of a change after it is answered. */
const SETTLES_MS = 300

interface Outcome {
  readonly title: string
  /** Sorted: the tools keep what they list in hash maps. */
  readonly lines: readonly string[]
}

const isWorthComparing = (line: string): boolean => !/^\s+at |^\s*\.\.\. \d+ more|^\d\d:\d\d:\d\d|SLF4J|StatusLogger|^\[\d{4}-/.test(line)

/** What is different each time is named for what it is: hosts, nodes, racks, ids, times. */
function normalised (output: string, folder: string, nodes: readonly number[]): string[] {
  const node = `(?:${nodes.join('|')})`
  return linesOf(output
    .replaceAll(folder, 'FOLDER')
    .replaceAll(/127\.0\.0\.\d+:\d+/g, 'HOST:PORT')
    .replaceAll(/(?<=--bootstrap-server )HOST:PORT(?:,HOST:PORT)*/g, 'SERVERS')
    .replaceAll(new RegExp(`(?<=--entity-name )${node}(?!\\d)|^${node}(?=[ \\t])`, 'gm'), 'N')
    .replaceAll(/127\.0\.0\.\d+(\s+)\d+/g, 'HOST$1PORT')
    .replaceAll(/leaky-rack-\d/g, 'RACK')
    .replaceAll(/(?<![\w-])[\w-]{22}(?![\w-])/g, 'ID')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z?/g, 'TIME')
    .replaceAll(/(?<!\d)1[78]\d{11}(?!\d)/g, 'TIME')
    .replaceAll(new RegExp(`(?<=(?:Leader|Replicas|Isr|Offline|Elr|id|broker|brokers?|node|replica)[s"]?[: =]+(?:[[]|${node},)*)${node}(?!\\d)`, 'gi'), 'N')
    .replaceAll(new RegExp(`(?<=,)${node}(?=,|\\t|$|\\])`, 'gm'), 'N')
    .replaceAll(new RegExp(`\\(${node}\\)`, 'g'), '(N)')
    .replaceAll(new RegExp(`(?<=HOST:PORT \\(id: )${node}`, 'g'), 'N')
    .replaceAll(/[ \t]+/g, ' '))
    .filter(isWorthComparing).map(line => line.trim())
    .map(line => line.replaceAll(/\[[^[\]{}]*\]|\{[^[\]{}]*\}/g, list => list[0] + list.slice(1, -1).split(/, */).sort().join(', ') + list.at(-1)))
    .filter(line => line !== '')
    .sort()
}

async function run (t: Test, bootstrap: string): Promise<Outcome[]> {
  const folder = temporaryFolder(t)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(content))
  const speaker = new Speaker(bootstrap.split(',')[0]!)
  const nodes = (await speaker.ask(Metadata, 8, { topics: [] }))!.brokers.map(({ nodeId }) => nodeId)
  speaker.close()
  const tools = await Tools.start(t)
  const outcomes: Outcome[] = []
  for (const step of transcript) {
    const title = `${step.tool} ${step.args}`
    const words = step.args.split(' ').filter(word => word !== '').map(word => word === 'BROKER' ? String(nodes[0]) : word in files ? join(folder, word) : word)
    if (step.tool === 'kcat') {
      await kcat(bootstrap, ['-P', ...words], { input: step.input })
    } else {
      const { code, output } = await tools.run(classes[step.tool], placed(step, words, bootstrap))
      outcomes.push({ title, lines: [`exit ${code}`, ...normalised(output, folder, nodes)] })
    }
    await sleep(SETTLES_MS)
  }
  return outcomes
}

/** These take the command before the options. */
function placed ({ tool }: Step, words: readonly string[], bootstrap: string): string[] {
  const server = ['--bootstrap-server', bootstrap]
  return tool === 'cluster' ? [words[0]!, ...server, ...words.slice(1)] : [...server, ...words]
}

/** The lines of one that the other has not, as often as it has not. */
function without (lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others]
  return lines.filter(line => {
    const at = left.indexOf(line)
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
}

t.test('an operator sees through the gateway what there is without it', {
  timeout: 900_000, ...kafkaVersion === KAFKA_VERSION ? {} : { skip: `the transcript is one of Kafka ${KAFKA_VERSION}` }
}, async t => {
  let direct: Outcome[] = []
  await t.test('directly', async t => {
    direct = await run(t, (await startCluster(t, { nodes: 3 })).bootstrap)
  })
  let through: Outcome[] = []
  await t.test('through a gateway', async t => {
    through = await run(t, (await startGateway(t, await startCluster(t, { nodes: 3 }), '--node-id', '61')).kafka)
  })

  const seen = new Set<RegExp>()
  for (const [i, { title, lines }] of direct.entries()) {
    const known = differences.filter(({ command }) => command.test(title))
    const unknown = (found: readonly string[], side: 'kafka' | 'gateway'): string[] => found.filter(line => {
      const patterns = known.flatMap(one => one[side]).filter(pattern => pattern.test(line))
      for (const pattern of patterns) seen.add(pattern)
      return patterns.length === 0
    })
    t.strictSame({
      kafka: unknown(without(lines, through[i]!.lines), 'kafka'), gateway: unknown(without(through[i]!.lines, lines), 'gateway')
    }, { kafka: [], gateway: [] }, title)
  }
  for (const { reason, command, kafka, gateway } of differences) {
    for (const pattern of [...kafka, ...gateway]) t.ok(seen.has(pattern), `${command.source}: still differs in ${pattern.source}, since ${reason}`)
  }
})
