/**
 * Delegation tokens at a real Kafka and at Barnabas: the same requests and the same answers, Kafka's tool for them and what
 * it prints, and a Java client that logs in with one.
 */
import t, { type Test } from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorRow } from '../../protocol/errors.ts'
import { CreateAcls } from '../../protocol/messages/30-create-acls.ts'
import { CreateDelegationToken } from '../../protocol/messages/38-create-delegation-token.ts'
import { RenewDelegationToken } from '../../protocol/messages/39-renew-delegation-token.ts'
import { ExpireDelegationToken } from '../../protocol/messages/40-expire-delegation-token.ts'
import { AlterUserScramCredentials } from '../../protocol/messages/51-alter-user-scram-credentials.ts'
import type { RequestInput, Response } from '../../protocol/schema.ts'
import { operations, permissions, resourceTypes, type Operation, type ResourceType } from '../../src/access/model.ts'
import { saltPassword } from '../../src/auth/scram-credential.ts'
import { Connection } from '../engine/connection.ts'
import { authenticated } from '../support/secure-app.ts'
import { tokenLogin } from '../support/token-login.ts'
import { logOptions } from './support/against.ts'
import { javaCommand } from './support/java.ts'
import { formattedBroker, testProperties } from './support/kafka-broker.ts'
import { linesOf, topicName } from './support/lines.ts'
import { freePort, temporaryFolder } from './support/ports.ts'
import { Background } from './support/run.ts'
import { MAIN, START_TIMEOUT_MS } from './support/server.ts'
import { ClientProgram, type Mechanism, type Security } from './support/security.ts'
import { DAY, MINUTE, switchedOff, switchedOn, USERS, type Step, type Tokens, type User } from './support/token-steps.ts'

const SECRET = 'a secret that both of them know'
/** Kafka's brokers learn of a change after it is answered. */
const SETTLES_MS = 200

interface Cluster {
  readonly sasl: number
  /** Where nothing asks for credentials. */
  readonly plaintext: number
  readonly connections: Map<User, Connection>
}

const passwordOf = (user: User): string => `${user}-secret`

async function connect (t: Test, sasl: number, plaintext: number): Promise<Cluster> {
  const connections = new Map<User, Connection>()
  for (const user of USERS) {
    const connection = await authenticated(sasl, user, passwordOf(user))
    t.teardown(() => connection.destroy())
    connections.set(user, connection)
  }
  const allow = (principal: string, operation: Operation, type: ResourceType, name: string): RequestInput<typeof CreateAcls>['creations'][number] => ({
    resourceType: resourceTypes[type],
    resourceName: name,
    resourcePatternType: 3,
    principal,
    host: '*',
    operation: operations[operation],
    permissionType: permissions.ALLOW
  })
  const { results } = await connections.get('admin')!.send(CreateAcls, 3, {
    creations: [
      allow('User:carol', 'CREATE_TOKENS', 'USER', 'User:alice'),
      allow('User:dave', 'DESCRIBE_TOKENS', 'USER', 'User:alice'),
      allow('User:erin', 'DESCRIBE', 'DELEGATION_TOKEN', '*'),
      ...(['WRITE', 'CREATE', 'DESCRIBE'] as const).map(operation => allow('User:alice', operation, 'TOPIC', '*'))
    ]
  })
  if (results.some(({ errorCode }) => errorCode !== 0)) throw new Error(JSON.stringify(results))
  return { sasl, plaintext, connections }
}

async function startKafka (t: Test, secret = `delegation.token.secret.key=${SECRET}`): Promise<Cluster> {
  const [sasl, plaintext] = [await freePort(), await freePort()]
  const plain = USERS.map(user => `user_${user}="${passwordOf(user)}"`).join(' ')
  const broker = await formattedBroker(t, temporaryFolder(t), {
    listeners: [`PLAINTEXT://127.0.0.1:${plaintext}`, `SASL_PLAINTEXT://127.0.0.1:${sasl}`],
    properties: [
      ...testProperties(),
      'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT',
      'inter.broker.listener.name=PLAINTEXT',
      'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users=User:admin;User:ANONYMOUS',
      'listener.name.sasl_plaintext.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      `listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required ${plain};`,
      'listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;',
      'listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;',
      secret
    ],
    listens: [['127.0.0.1', sasl]]
  })
  await broker.start()
  return await connect(t, sasl, plaintext)
}

async function startBarnabas (t: Test, env: Readonly<Record<string, string>> = { BARNABAS_DELEGATION_TOKEN_SECRET: SECRET }): Promise<Cluster> {
  const folder = temporaryFolder(t)
  const [sasl, plaintext] = [await freePort(), await freePort()]
  const process = new Background(t, globalThis.process.execPath, [
    MAIN, ...await logOptions(t, join(folder, 'data')), '--kafka', `SASL_PLAINTEXT://127.0.0.1:${sasl},PLAINTEXT://127.0.0.1:${plaintext}`,
    '--http', `127.0.0.1:${await freePort()}`, '--log-level', 'error'
  ], { ...globalThis.process.env, BARNABAS_ADMIN: `admin:${passwordOf('admin')}`, ...env })
  await process.until(/^then\b/m, START_TIMEOUT_MS)
  const admin = await authenticated(sasl, 'admin', passwordOf('admin'))
  const salt = Buffer.from('a salt of some length')
  const { results } = await admin.send(AlterUserScramCredentials, 0, {
    deletions: [],
    upsertions: await Promise.all(USERS.slice(1).map(async name =>
      ({ name, mechanism: 1, iterations: 4096, salt, saltedPassword: await saltPassword(passwordOf(name), salt, 4096, 'SCRAM-SHA-256') })))
  })
  admin.destroy()
  if (results.some(({ errorCode }) => errorCode !== 0)) throw new Error(JSON.stringify(results))
  return await connect(t, sasl, plaintext)
}

// ---- requests

/** What was answered to each step, with names for what is random and minutes from now for what is a time. */
async function walk (t: Test, cluster: Cluster, steps: readonly Step[]): Promise<Map<string, unknown>> {
  const tokens = new Map<string, { id: string, hmac: Buffer }>()
  const answers = new Map<string, unknown>()
  const nobody = await Connection.open(cluster.plaintext)
  t.teardown(() => nobody.destroy())
  for (const { title, as, api, version, request } of steps) {
    const by = typeof as === 'object' && as !== null ? await tokenLogin(cluster.sasl, tokens.get(as.token)!) : null
    if (by !== null) t.teardown(() => by.connection.destroy())
    const connection = by?.connection ?? (as === null ? nobody : cluster.connections.get(as as User)!)
    const answer = await connection.send(api, version, request(tokens) as never)
    const { tokenId, hmac } = answer as unknown as Response<typeof CreateDelegationToken>
    if (api === CreateDelegationToken && tokenId !== '') tokens.set(title, { id: tokenId, hmac })
    answers.set(`${api.name}: ${title}`, plain(answer, tokens, Date.now()))
    await sleep(SETTLES_MS)
  }
  return answers
}

function plain (value: unknown, tokens: Tokens, now: number, name = ''): unknown {
  if (Buffer.isBuffer(value)) return value.length === 0 ? '' : [...tokens].find(([, { hmac }]) => hmac.equals(value))?.[0] ?? value.toString('base64')
  if (Array.isArray(value)) return value.map(one => plain(one, tokens, now)).sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
  if (name === 'errorCode') return errorRow(value as number).name
  if (typeof value === 'number') return value > DAY ? `${Math.round((value - now) / MINUTE)} min` : value
  if (typeof value === 'string') return [...tokens].find(([, { id }]) => id === value)?.[0] ?? value
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner, tokens, now, name)]))
}

/** Kafka tells the HMAC of a token to whoever may see that there is one, who could log in as its owner with it. */
const withoutHmac: ReadonlySet<string> = new Set([
  'of another without permission', 'as a renewer', 'as one who may describe an owner\'s', 'as one who may describe all', 'as a super user'
].map(title => `DescribeDelegationToken: ${title}`))

function withoutHmacs (answer: unknown): unknown {
  const { tokens, ...rest } = answer as { tokens: { tokenRequesterPrincipalName: string, hmac: string }[] }
  return { ...rest, tokens: tokens.map(token => ({ ...token, hmac: '' })) }
}

const [kafka, barnabas] = await Promise.all([startKafka(t), startBarnabas(t)])

t.test('the same requests are answered as by Kafka', async t => {
  const [expected, found] = await Promise.all([walk(t, kafka, switchedOn), walk(t, barnabas, switchedOn)])
  for (const [title, answer] of expected) {
    if (!withoutHmac.has(title)) {
      t.strictSame(found.get(title), answer, title)
      continue
    }
    t.notSame(withoutHmacs(answer), answer, `${title}: Kafka tells HMACs`)
    const ours = found.get(title) as { tokens: { tokenRequesterPrincipalName: string, hmac: string }[] }
    t.strictSame(withoutHmacs(ours), withoutHmacs(answer), title)
    t.ok(ours.tokens.every(({ hmac, tokenRequesterPrincipalName }) => hmac === '' || tokenRequesterPrincipalName === 'admin'), `${title}: and we do not`)
  }
})

t.test('and so they are where tokens are not switched on', async t => {
  const [expected, found] = await Promise.all([
    startKafka(t, '').then(cluster => walk(t, cluster, switchedOff)), startBarnabas(t, {}).then(cluster => walk(t, cluster, switchedOff))
  ])
  for (const [title, answer] of expected) t.strictSame(found.get(title), answer, title)
})

// ---- the tool

/** HMAC stands for that of the token that was made last. */
const commands: readonly (readonly [user: User, args: string])[] = [
  ['frank', '--describe'],
  ['frank', '--create --max-life-time-period -1 --renewer-principal User:bob'],
  ['frank', '--describe'],
  ['frank', '--describe --owner-principal User:frank'],
  ['frank', '--describe --owner-principal User:alice'],
  ['frank', '--renew --renew-time-period 7200000 --hmac HMAC'],
  ['bob', '--renew --renew-time-period -1 --hmac HMAC'],
  ['erin', '--renew --renew-time-period -1 --hmac HMAC'],
  ['frank', '--renew --renew-time-period -1 --hmac bm9uZQ=='],
  ['frank', '--expire --expiry-time-period 3600000 --hmac HMAC'],
  ['frank', '--describe'],
  ['erin', '--expire --expiry-time-period -1 --hmac HMAC'],
  ['frank', '--expire --expiry-time-period -1 --hmac HMAC'],
  ['frank', '--expire --expiry-time-period -1 --hmac HMAC'],
  ['frank', '--describe'],
  ['frank', '--create --max-life-time-period 3600000'],
  ['frank', '--create --max-life-time-period -1 --owner-principal User:alice'],
  ['carol', '--create --max-life-time-period -1 --owner-principal User:alice'],
  ['frank', '--create --max-life-time-period -1 --renewer-principal Group:readers']
]

const HOUR = 60 * MINUTE

/** What the tool says to each of the commands, with names for what is random and hours from now for what is a time. */
async function runTool (t: Test, { sasl }: Cluster): Promise<string[][]> {
  const folder = temporaryFolder(t)
  const tools = new Background(t, 'java', await javaCommand(new URL('./support/Tools.java', import.meta.url).pathname, '-Duser.timezone=UTC'))
  const outcomes: string[][] = []
  let made = { id: '', hmac: '' }
  for (const [user, args] of commands) {
    const file = join(folder, `${user}.properties`)
    writeFileSync(file, `security.protocol=SASL_PLAINTEXT
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="${user}" password="${passwordOf(user)}";
`)
    const words = ['--bootstrap-server', `127.0.0.1:${sasl}`, '--command-config', file, ...args.replace('HMAC', made.hmac).split(' ')]
    tools.write(`${JSON.stringify(['org.apache.kafka.tools.DelegationTokenCommand', ...words])}\n`)
    const answer = await tools.untilIt(`answer ${args}`, ({ stdout }) => stdout.split('\n').slice(0, -1)[outcomes.length] ?? null)
    const { code, output } = JSON.parse(answer) as { code: number, output: string }
    const [, id = '', hmac = ''] = /^([\w-]{22})\s+([A-Za-z0-9+/]{86}==)\s/m.exec(output) ?? []
    if (args.startsWith('--create') && id !== '') made = { id, hmac }
    const text = output.replaceAll(made.id === '' ? /$^/g : made.id, 'ID').replaceAll(made.hmac === '' ? /$^/g : made.hmac, 'HMAC')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d/g, date => `${Math.round((Date.parse(`${date}Z`) - Date.now()) / HOUR)}h`)
      .replaceAll(/expiry date : ?(\d+)|\b1\d{12}\b/g, time => `${Math.round((Number(/\d+/.exec(time)![0]) - Date.now()) / HOUR)}h`)
    outcomes.push([`${args}: ${code}`, ...linesOf(text).filter(isWorthComparing).map(line => line.trim().replaceAll(/\s+/g, ' ')).sort()])
    await sleep(SETTLES_MS)
  }
  return outcomes
}

/** Where in a program an exception was thrown, and what its logger thinks of it, is no part of an answer. */
const isWorthComparing = (line: string): boolean => !/^\s+at |^\s*\.\.\. \d+ more|^\d\d:\d\d:\d\d|SLF4J|StatusLogger/.test(line)

t.test('kafka-delegation-tokens says of Barnabas what it says of Kafka', async t => {
  const [expected, found] = await Promise.all([runTool(t, kafka), runTool(t, barnabas)])
  for (const [i, outcome] of expected.entries()) t.strictSame(found[i], outcome, commands[i]!.join(': '))
})

// ---- a client

t.test('a Java client logs in with a token for as long as it is good', async t => {
  const alice = barnabas.connections.get('alice')!
  const properties = ({ username, password, mechanism }: Security): Record<string, string> => ({
    'bootstrap.servers': `127.0.0.1:${barnabas.sasl}`,
    'security.protocol': 'SASL_PLAINTEXT',
    'sasl.mechanism': mechanism!,
    'sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required ' +
      `username="${username}" password="${password}" tokenauth="true";`,
    // Whoever cannot log in any more tries for two minutes, unless told otherwise.
    'request.timeout.ms': '2000',
    'delivery.timeout.ms': '5000'
  })
  const client = new ClientProgram(t, 'java', await javaCommand(new URL('./support/SecureClient.java', import.meta.url).pathname), properties)
  const newToken = async (): Promise<{ hmac: Buffer, security: (mechanism?: Mechanism) => Security }> => {
    const { errorCode, tokenId, hmac } = await alice.send(CreateDelegationToken, 3, { renewers: [], maxLifetimeMs: -1 })
    t.equal(errorCode, 0)
    return {
      hmac,
      security: (mechanism = 'SCRAM-SHA-512') =>
        ({ bootstrap: '', protocol: 'SASL_PLAINTEXT', mechanism, username: tokenId, password: hmac.toString('base64') })
    }
  }
  const expireIn = async (hmac: Buffer, expiryTimePeriodMs: number): Promise<void> => {
    t.equal((await alice.send(ExpireDelegationToken, 2, { hmac, expiryTimePeriodMs })).errorCode, 0)
  }
  const refused = { message: /^SaslAuthenticationException: Authentication failed/ }
  const topic = topicName('tokens')
  const { hmac, security } = await newToken()
  await client.produce(security('SCRAM-SHA-256'), topic, ['a'])
  await client.produce(security('SCRAM-SHA-512'), topic, ['b'])
  await t.rejects(client.produce({ ...security(), password: 'wrong' }, topic, ['c']), refused, 'with another HMAC')

  // The session ends with the token, and the client is asked for a proof again before: by then it has been renewed.
  await expireIn(hmac, 4000)
  const flow = client.flow(security(), topic, 9000)
  await sleep(2500)
  t.equal((await alice.send(RenewDelegationToken, 2, { hmac, renewPeriodMs: -1 })).errorCode, 0)
  t.ok(await flow > 100, 'a token that is renewed goes on, without a lost record')
  await expireIn(hmac, -1)
  await t.rejects(client.produce(security(), topic, ['d']), refused, 'a token that was ended')

  const short = await newToken()
  await expireIn(short.hmac, 4000)
  const lost = { message: /^(TimeoutException|SaslAuthenticationException): / }
  await t.rejects(client.flow(short.security(), topic, 12_000), lost, 'a token that runs out in the middle')
  await t.rejects(client.produce(short.security(), topic, ['e']), refused, 'and one that has run out')
})
