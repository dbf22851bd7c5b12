/**
 * The configuration of topics: described, changed, and obeyed from then on.
 */
import type { Test } from 'tap'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import { IncrementalAlterConfigs } from '../../../protocol/messages/44-incremental-alter-configs.ts'
import { Client, batchOf, eventually, nameOf, newName, type Engine } from './kit.ts'

const TOPIC = 2
const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const
/** Where a value comes from. */
const OF_TOPIC = 1
const DOCUMENTATION_SINCE = 3

type Change = readonly [operation: keyof typeof operations, name: string, value?: string]

export function configSuite (t: Test, engine: Engine): void {
  const client = new Client(engine)

  async function describe (resourceName: string, keys: string[] | null = null, version = client.versions(DescribeConfigs).at(-1)!) {
    const { results } = await client.call(DescribeConfigs, {
      resources: [{ resourceType: TOPIC, resourceName, configurationKeys: keys }],
      includeSynonyms: true,
      includeDocumentation: version >= DOCUMENTATION_SINCE
    }, { version })
    return results[0]!
  }

  async function alter (resourceName: string, changes: readonly Change[], validateOnly = false): Promise<string> {
    const configs = changes.map(([operation, name, value = null]) => ({ name, configOperation: operations[operation], value }))
    const { responses } = await client.call(IncrementalAlterConfigs, { resources: [{ resourceType: TOPIC, resourceName, configs }], validateOnly })
    return nameOf(responses[0]!.errorCode)
  }

  /** Waits until a topic's configuration has a value: a cluster takes its time. */
  async function becomes (topic: string, name: string, value: string): Promise<void> {
    await eventually(async () => (await describe(topic, [name])).configs[0]!.value === value ? true : null)
  }

  t.test('every version describes what a topic sets and what it does not', async t => {
    const { name } = await client.topic(1, { 'retention.ms': '12345' })
    for (const version of client.versions(DescribeConfigs)) {
      const { errorCode, configs } = await describe(name, null, version)
      t.equal(nameOf(errorCode), 'NONE')
      t.match(configs.find(({ name }) => name === 'retention.ms'), { value: '12345', configSource: OF_TOPIC, isSensitive: false })
      const other = configs.find(({ name }) => name === 'cleanup.policy')!
      t.equal(other.value, 'delete')
      t.not(other.configSource, OF_TOPIC)
      t.ok(version < DOCUMENTATION_SINCE || other.configType === 7, 'a list')
    }
  })

  t.test('only those that were asked for are told', async t => {
    const { name } = await client.topic()
    t.strictSame((await describe(name, ['retention.ms', 'no.such.thing'])).configs.map(({ name }) => name), ['retention.ms'])
    t.ok((await describe(name, [])).configs.length > 1, 'and all, if none were')
  })

  t.test('a topic that is not there has no configuration', async t => {
    t.equal(nameOf((await describe(newName())).errorCode), 'UNKNOWN_TOPIC_OR_PARTITION')
    t.equal(await alter(newName(), [['set', 'retention.ms', '1']]), 'UNKNOWN_TOPIC_OR_PARTITION')
  })

  t.test('a value is set, and deleted again', async t => {
    const { name } = await client.topic()
    const [usual] = (await describe(name, ['retention.ms'])).configs
    t.equal(await alter(name, [['set', 'retention.ms', '1000'], ['set', 'segment.ms', '2000']]), 'NONE')
    await becomes(name, 'retention.ms', '1000')
    await becomes(name, 'segment.ms', '2000')
    t.equal(await alter(name, [['delete', 'retention.ms']]), 'NONE')
    await becomes(name, 'retention.ms', usual!.value!)
    await becomes(name, 'segment.ms', '2000')
  })

  t.test('words are added to a list and taken from it', async t => {
    const { name } = await client.topic()
    t.equal(await alter(name, [['append', 'cleanup.policy', 'compact']]), 'NONE')
    await becomes(name, 'cleanup.policy', 'delete,compact')
    t.equal(await alter(name, [['subtract', 'cleanup.policy', 'delete']]), 'NONE')
    await becomes(name, 'cleanup.policy', 'compact')
    t.equal(await alter(name, [['append', 'retention.ms', '1']]), 'INVALID_CONFIG')
  })

  t.test('what is wrong is refused, all of it', async t => {
    const { name } = await client.topic()
    t.equal(await alter(name, [['set', 'retention.ms', '1000'], ['set', 'segment.ms', 'soon']]), 'INVALID_CONFIG')
    t.equal(await alter(name, [['set', 'retention.ms', '1000'], ['set', 'no.such.thing', '1']]), 'INVALID_CONFIG')
    t.not((await describe(name, ['retention.ms'])).configs[0]!.value, '1000')
  })

  t.test('to validate is not to change', async t => {
    const { name } = await client.topic()
    t.equal(await alter(name, [['set', 'retention.ms', '1000']], true), 'NONE')
    t.equal(await alter(name, [['set', 'retention.ms', 'soon']], true), 'INVALID_CONFIG')
    t.not((await describe(name, ['retention.ms'])).configs[0]!.value, '1000')
  })

  t.test('different changes at once do not undo each other', async t => {
    const { name } = await client.topic()
    const changes: Change[] = [
      ['set', 'retention.ms', '1000'], ['set', 'segment.ms', '2000'], ['set', 'retention.bytes', '3000'], ['set', 'max.message.bytes', '4000']
    ]
    t.strictSame(await Promise.all(changes.map(change => alter(name, [change]))), changes.map(() => 'NONE'))
    for (const [, config, value] of changes) await becomes(name, config, value!)
  })

  t.test('what is changed counts from then on', async t => {
    const topic = await client.topic(1, { 'max.message.bytes': '2000' })
    const large = (): Promise<string> => client.produce(topic, batchOf(['x'.repeat(3000)])).then(({ errorCode }) => nameOf(errorCode))
    t.equal(await large(), 'MESSAGE_TOO_LARGE')
    t.equal(await alter(topic.name, [['set', 'max.message.bytes', '10000']]), 'NONE')
    await becomes(topic.name, 'max.message.bytes', '10000')
    t.equal(await eventually(async () => await large() === 'NONE' ? 'NONE' : null), 'NONE')
    t.equal(await alter(topic.name, [['set', 'cleanup.policy', 'compact']]), 'NONE')
    await becomes(topic.name, 'cleanup.policy', 'compact')
    t.equal(await eventually(async () => await large() === 'INVALID_RECORD' ? 'INVALID_RECORD' : null), 'INVALID_RECORD', 'no key')
  })
}
