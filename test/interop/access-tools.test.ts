/**
 * Kafka's tools for rules, users and quotas against a real Kafka and against Barnabas: the same commands, and the same
 * lines. And the requests behind them, one by one, of which the fast tests have a recording: `RECORD=1` makes it anew.
 */
import t, { type Test } from 'tap'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readResponse, writeRequest } from '../../protocol/frame.ts'
import type { Api, Request } from '../../protocol/schema.ts'
import { transcript } from '../src/policies/administer-transcript.ts'
import { comparable, type Comparable } from '../src/policies/answers.ts'
import { logOptions } from './support/against.ts'
import { javaCommand } from './support/java.ts'
import { formattedBroker, testProperties } from './support/kafka-broker.ts'
import { linesOf } from './support/lines.ts'
import { freePort, temporaryFolder } from './support/ports.ts'
import { Background } from './support/run.ts'
import { MAIN, START_TIMEOUT_MS } from './support/server.ts'

const RECORDING = new URL('../src/policies/fixtures/administer.json', import.meta.url)
const TOOLS = new URL('./support/Tools.java', import.meta.url).pathname
/** Kafka's brokers learn of a change after it is answered. */
const SETTLES_MS = 150

/** A Kafka that knows rules, and in which everyone may do everything. */
async function startKafka (t: Test): Promise<number> {
  const folder = temporaryFolder(t)
  const port = await freePort()
  const broker = await formattedBroker(t, folder, {
    listeners: [`PLAINTEXT://127.0.0.1:${port}`],
    properties: [
      ...testProperties(), 'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer', 'super.users=User:ANONYMOUS'
    ],
    listens: [['127.0.0.1', port]]
  })
  await broker.start()
  return port
}

// ---- requests

async function ask (port: number, { api, version, request }: { api: Api, version: number, request: Request<Api> }): Promise<Comparable> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    for (const chunk of writeRequest(api, version, 1, 'interop', request)) socket.write(chunk)
    let received = Buffer.alloc(0)
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk])
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) continue
      return comparable(api, readResponse(api, version, received.subarray(4)).body)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
  } finally {
    socket.destroy()
  }
  return 'closed'
}

t.test('Kafka answers as it was recorded', async t => {
  const port = await startKafka(t)
  const answers: { readonly title: string, readonly answer: Comparable }[] = []
  for (const step of transcript) {
    answers.push({ title: step.title, answer: await ask(port, step) })
    await sleep(SETTLES_MS)
  }
  if (process.env['RECORD'] === '1') writeFileSync(RECORDING, `[\n${answers.map(one => JSON.stringify(one)).join(',\n')}\n]\n`)
  t.strictSame(answers, JSON.parse(readFileSync(RECORDING, 'utf8')))
})

// ---- tools

type Command = readonly [tool: 'acls' | 'configs', args: string]

const classes = { acls: 'org.apache.kafka.tools.AclCommand', configs: 'kafka.admin.ConfigCommand' } as const

const commands: readonly Command[] = [
  ['acls', '--list'],
  ['acls', '--add --allow-principal User:alice --operation Read --topic orders'],
  ['acls', '--add --allow-principal User:alice --operation Read --topic orders'],
  ['acls', '--add --allow-principal User:bob --producer --topic orders'],
  ['acls', '--add --allow-principal User:carol --consumer --topic orders --group readers'],
  ['acls', '--add --deny-principal User:mallory --deny-host 10.0.0.1 --operation All --topic *'],
  ['acls', '--add --allow-principal User:dave --allow-principal User:erin --operation Write --operation Describe --topic pre --resource-pattern-type prefixed'],
  ['acls', '--add --allow-principal User:erin --operation Alter --cluster'],
  ['acls', '--add --allow-principal User:frank --operation Write --transactional-id tx --idempotent'],
  ['acls', '--add --allow-principal User:grace --operation CreateTokens --user-principal User:heidi'],
  ['acls', '--add --allow-principal User:grace --operation Describe --delegation-token token'],
  ['acls', '--list'],
  ['acls', '--list --topic orders'],
  ['acls', '--list --topic pre-1 --resource-pattern-type match'],
  ['acls', '--list --topic orders --resource-pattern-type any'],
  ['acls', '--list --principal User:bob --principal User:carol'],
  ['acls', '--list --group nothing'],
  ['acls', '--remove --allow-principal User:bob --producer --topic orders --force'],
  ['acls', '--remove --topic * --force'],
  ['acls', '--remove --topic pre-1 --resource-pattern-type match --force'],
  ['acls', '--list'],
  ['acls', '--add --allow-principal ivan --operation Read --topic orders'],
  ['acls', '--add --allow-principal User:ivan --operation Fly --topic orders'],
  ['acls', '--add --allow-principal User:ivan --operation Read --topic orders --resource-pattern-type match'],
  ['acls', '--remove --topic orders --force'],
  ['acls', '--list'],

  ['configs', '--describe --entity-type users'],
  ['configs', '--alter --add-config SCRAM-SHA-256=[iterations=8192,password=alice-secret] --entity-type users --entity-name alice'],
  ['configs', '--alter --add-config SCRAM-SHA-512=[password=alice-secret] --entity-type users --entity-name alice'],
  ['configs', '--alter --add-config SCRAM-SHA-256=[password=b],SCRAM-SHA-512=[password=b] --entity-type users --entity-name bob'],
  ['configs', '--alter --add-config SCRAM-SHA-256=[iterations=100,password=c] --entity-type users --entity-name carol'],
  ['configs', '--alter --add-config SCRAM-SHA-256=[iterations=20000,password=c] --entity-type users --entity-name carol'],
  ['configs', '--alter --add-config SCRAM-SHA-1=[password=c] --entity-type users --entity-name carol'],
  ['configs', '--alter --add-config SCRAM-SHA-256=[password=c] --entity-type users --entity-default'],
  ['configs', '--describe --entity-type users --entity-name alice'],
  ['configs', '--describe --entity-type users --entity-name nobody'],
  ['configs', '--describe --entity-type users'],
  ['configs', '--alter --delete-config SCRAM-SHA-256 --entity-type users --entity-name alice'],
  ['configs', '--alter --delete-config SCRAM-SHA-256 --entity-type users --entity-name alice'],
  ['configs', '--alter --add-config producer_byte_rate=1024,consumer_byte_rate=2048 --entity-type users --entity-name alice'],
  ['configs', '--describe --entity-type users --entity-name alice'],
  ['configs', '--alter --add-config request_percentage=150 --entity-type users --entity-default'],
  ['configs', '--alter --add-config producer_byte_rate=10 --entity-type clients --entity-name app'],
  ['configs', '--alter --add-config controller_mutation_rate=0.5 --entity-type clients --entity-default'],
  ['configs', '--alter --add-config producer_byte_rate=20 --entity-type users --entity-name alice --entity-type clients --entity-name app'],
  ['configs', '--alter --add-config producer_byte_rate=30 --entity-type users --entity-name alice --entity-type clients --entity-default'],
  ['configs', '--alter --add-config producer_byte_rate=40 --entity-type users --entity-default --entity-type clients --entity-default'],
  ['configs', '--alter --add-config connection_creation_rate=1000 --entity-type ips --entity-name 10.0.0.1'],
  ['configs', '--alter --add-config connection_creation_rate=2000 --entity-type ips --entity-default'],
  ['configs', '--describe --entity-type users'],
  ['configs', '--describe --entity-type users --entity-default'],
  ['configs', '--describe --user alice'],
  ['configs', '--describe --entity-type clients'],
  ['configs', '--describe --entity-type clients --entity-name app'],
  ['configs', '--describe --entity-type clients --entity-default'],
  ['configs', '--describe --entity-type users --entity-type clients'],
  ['configs', '--describe --entity-type users --entity-name alice --entity-type clients'],
  ['configs', '--describe --entity-type users --entity-name alice --entity-type clients --entity-name app'],
  ['configs', '--describe --entity-type users --entity-default --entity-type clients --entity-default'],
  ['configs', '--describe --entity-type ips'],
  ['configs', '--describe --entity-type ips --entity-name 10.0.0.1'],
  ['configs', '--describe --entity-type ips --entity-default'],
  ['configs', '--alter --add-config producer_byte_rate=-1 --entity-type users --entity-name alice'],
  ['configs', '--alter --add-config producer_byte_rate=1.5 --entity-type users --entity-name alice'],
  ['configs', '--alter --add-config producer_byte_rate=fast --entity-type users --entity-name alice'],
  ['configs', '--alter --add-config nonsense=1 --entity-type users --entity-name alice'],
  ['configs', '--alter --add-config connection_creation_rate=1 --entity-type users --entity-name alice'],
  ['configs', '--alter --add-config producer_byte_rate=1 --entity-type ips --entity-name 10.0.0.1'],
  ['configs', '--alter --add-config connection_creation_rate=1 --entity-type ips --entity-name 999.1.1.1'],
  ['configs', '--alter --delete-config consumer_byte_rate --entity-type users --entity-name alice'],
  ['configs', '--alter --delete-config consumer_byte_rate --entity-type users --entity-name alice'],
  ['configs', '--alter --delete-config connection_creation_rate --entity-type ips --entity-name 10.0.0.1'],
  ['configs', '--describe --entity-type users'],
  ['configs', '--describe --entity-type ips']
]

interface Outcome {
  readonly command: string
  readonly code: number
  readonly lines: readonly string[]
}

/** What the tools say to each of the commands. */
async function runAll (t: Test, port: number, properties: string): Promise<Outcome[]> {
  const folder = temporaryFolder(t)
  const file = join(folder, 'client.properties')
  writeFileSync(file, properties)
  const tools = new Background(t, 'java', await javaCommand(TOOLS))
  const outcomes: Outcome[] = []
  for (const [tool, args] of commands) {
    const words = ['--bootstrap-server', `127.0.0.1:${port}`, '--command-config', file, ...args.split(' ')]
    tools.write(`${JSON.stringify([classes[tool], ...words])}\n`)
    const answer = await tools.untilIt(`answer ${args}`, ({ stdout }) => stdout.split('\n').slice(0, -1)[outcomes.length] ?? null)
    const { code, output } = JSON.parse(answer) as { code: number, output: string }
    const plain = output.replaceAll(`127.0.0.1:${port}`, 'SERVER').replaceAll(file, 'FILE')
    outcomes.push({ command: `${tool} ${args}`, code, lines: linesOf(plain).filter(isWorthComparing).map(inOrder).sort() })
    await sleep(SETTLES_MS)
  }
  return outcomes
}

/** Where in a program an exception was thrown, and what its logger thinks of it, is no part of an answer. */
const isWorthComparing = (line: string): boolean => !/^\s+at |^\s*\.\.\. \d+ more|^\d\d:\d\d:\d\d|SLF4J|StatusLogger/.test(line)

/** The tools keep what they list in hash maps. */
const inOrder = (line: string): string => line.trim().replace(/\[[^\]]*\]|(?<= are ).*/g, list => list.replaceAll(/[[\]]/g, '').split(/, */).sort().join(', '))

const PASSWORD = 'admin-secret'

async function startBarnabas (t: Test): Promise<number> {
  const folder = temporaryFolder(t)
  const port = await freePort()
  const process = new Background(t, globalThis.process.execPath, [
    MAIN, ...await logOptions(t, join(folder, 'data')), '--kafka', `SASL_PLAINTEXT://127.0.0.1:${port}`, '--http', `127.0.0.1:${await freePort()}`
  ], { ...globalThis.process.env, BARNABAS_ADMIN: `admin:${PASSWORD}` })
  await process.until(/^then\b/m, START_TIMEOUT_MS)
  return port
}

const asAdmin = `security.protocol=SASL_PLAINTEXT
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="${PASSWORD}";
`

t.test('kafka-acls and kafka-configs say of Barnabas what they say of Kafka', async t => {
  const [kafka, barnabas] = await Promise.all([
    startKafka(t).then(port => runAll(t, port, 'security.protocol=PLAINTEXT\n')),
    startBarnabas(t).then(port => runAll(t, port, asAdmin))
  ])
  for (const [i, expected] of kafka.entries()) t.strictSame(barnabas[i], expected, expected.command)
})
