/** Kafka's own command line tools with credentials: what they change holds at once. What they print, `access-tools.test.ts` compares. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { javaCommand } from './support/java.ts'
import { topicName } from './support/lines.ts'
import { Background } from './support/run.ts'
import { startSecureServer } from './support/secure-server.ts'
import { ClientProgram, javaProperties, type Security } from './support/security.ts'
import { makeTopic } from './support/topics.ts'

const server = await startSecureServer(t)
const program = (file: string): string => new URL(`support/${file}`, import.meta.url).pathname
const client = new ClientProgram(t, 'java', await javaCommand(program('SecureClient.java')), javaProperties)
const tools = new Background(t, 'java', await javaCommand(program('Tools.java')))
const folder = t.testdir()

let files = 0
/** The bootstrap server, and a properties file that shows who one is, as arguments. */
function as (security: Security): string[] {
  const file = join(folder, `${++files}.properties`)
  writeFileSync(file, Object.entries(javaProperties(security)).map(([name, value]) => `${name}=${value}\n`).join(''))
  return ['--bootstrap-server', security.bootstrap, '--command-config', file]
}

let runs = 0
async function run (mainClass: string, ...args: readonly string[]): Promise<string> {
  const index = runs++
  tools.write(`${JSON.stringify([mainClass, ...args])}\n`)
  const answer = await tools.untilIt(`answer ${args.join(' ')}`, ({ stdout }) => stdout.split('\n').slice(0, -1)[index] ?? null)
  return (JSON.parse(answer) as { output: string }).output
}

const admin = as(server.as('admin', 'PLAIN'))
const acls = (args: string): Promise<string> => run('org.apache.kafka.tools.AclCommand', ...admin, ...args.split(' '))
const configs = (args: string): Promise<string> => run('kafka.admin.ConfigCommand', ...admin, ...args.split(' '))

async function createTopic (prefix: string): Promise<string> {
  const topic = topicName(prefix)
  await makeTopic(server.admin, topic)
  return topic
}

t.test('a console client takes a properties file', async t => {
  const topic = await createTopic('open')
  const alice: Security = { ...server.as('alice', 'SCRAM-SHA-512'), bootstrap: server.encrypted, protocol: 'SASL_SSL', ca: server.files.ca }
  await client.produce(alice, topic, ['one', 'two'])
  t.match(await run('org.apache.kafka.tools.consumer.ConsoleConsumer', ...as(alice), '--topic', topic, '--group', topicName('open-group'),
    '--from-beginning', '--max-messages', '2', '--timeout-ms', '20000'), 'one\ntwo\n')
})

t.test('kafka-acls: what is added and removed', async t => {
  const topic = await createTopic('closed')
  const bob = server.as('bob', 'PLAIN')
  // A producer is idempotent by itself, and told of the cluster where there is no topic left that it may write to.
  const refused = (what: string): Promise<unknown> =>
    t.rejects(client.produce(bob, topic, ['never']), { message: /^(Topic|Cluster)AuthorizationException/ }, what)
  await refused('nothing allows it')
  await acls(`--add --allow-principal User:bob --producer --topic ${topic}`)
  await client.produce(bob, topic, ['from bob'])
  await acls('--add --deny-principal User:bob --operation Write --topic closed- --resource-pattern-type prefixed')
  await refused('a rule that denies goes before one that allows')
  await acls('--remove --force --topic closed- --resource-pattern-type prefixed')
  await client.produce(bob, topic, ['from bob again'])
  await acls(`--remove --force --topic ${topic}`)
  await refused('and nothing allows it again')
  t.match(await server.admin.fetchTopicOffsets(topic), [{ high: '2' }])
  t.match(await run('org.apache.kafka.tools.AclCommand', ...as(server.as('alice', 'PLAIN')), '--list'), 'ClusterAuthorizationException')
})

t.test('kafka-configs: a user who is made, gets another password, and is taken away', async t => {
  const topic = await createTopic('open')
  await acls(`--add --allow-principal User:dora --producer --topic ${topic}`)
  const produceWith = (password: string): Promise<void> => client.produce(server.as('dora', 'SCRAM-SHA-256', password), topic, ['from dora'])
  const refused = (password: string): Promise<unknown> => t.rejects(produceWith(password), { message: /SaslAuthenticationException/ })
  const alter = (config: string): Promise<string> => configs(`--alter --entity-type users --entity-name dora ${config}`)
  await refused('first-secret')
  await alter('--add-config SCRAM-SHA-256=[iterations=8192,password=first-secret]')
  await produceWith('first-secret')
  await refused('second-secret')
  await alter('--add-config SCRAM-SHA-256=[password=second-secret]')
  await produceWith('second-secret')
  await refused('first-secret')
  await alter('--delete-config SCRAM-SHA-256')
  await refused('second-secret')
  t.match(await server.admin.fetchTopicOffsets(topic), [{ high: '2' }])
})

t.test('kafka-configs: a quota', async t => {
  const topic = await createTopic('open')
  const perform = async (): Promise<number> => {
    const output = await run('org.apache.kafka.tools.ProducerPerformance', ...as(server.as('alice', 'PLAIN')), '--topic', topic,
      '--num-records', '1500', '--record-size', '3000', '--throughput', '-1', '--print-metrics')
    return Number(/produce-throttle-time-max:\{client-id=[^}]+\}\s*:\s*([\d.]+)/.exec(output)?.[1])
  }
  t.equal(await perform(), 0)
  await configs('--alter --entity-type users --entity-name alice --add-config producer_byte_rate=300000')
  t.ok(await perform() > 100, 'the client is told to wait')
  await configs('--alter --entity-type users --entity-name alice --delete-config producer_byte_rate')
  t.equal(await perform(), 0, 'and no longer')
})
