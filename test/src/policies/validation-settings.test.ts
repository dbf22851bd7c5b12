/** What topics ask of their records, through Kafka's own configuration requests. */
import t from 'tap'
import { errors } from '../../../protocol/errors.ts'
import { Metadata } from '../../../protocol/messages/03-metadata.ts'
import { CreateTopics } from '../../../protocol/messages/19-create-topics.ts'
import { DeleteTopics } from '../../../protocol/messages/20-delete-topics.ts'
import { DescribeConfigs } from '../../../protocol/messages/32-describe-configs.ts'
import { IncrementalAlterConfigs } from '../../../protocol/messages/44-incremental-alter-configs.ts'
import { AccessStore } from '../../../src/access/store.ts'
import { openHouse, valued, type House } from './validate-kit.ts'

const VALUE = 'barnabas.value.validation'
const ALIAS = 'confluent.value.schema.validation'

type Shown = Array<readonly [name: string, value: string | null, source: number]>

async function described (house: House, topic: string, keys: readonly string[] | null = null, version = 4): Promise<Shown> {
  const { results } = await house.ask(DescribeConfigs, {
    resources: [{ resourceType: 2, resourceName: topic, configurationKeys: keys === null ? null : [...keys] }]
  }, version)
  if (results[0]!.errorCode !== 0) throw new Error(results[0]!.errorMessage!)
  return results[0]!.configs.map(({ name, value, configSource }) => [name, value, configSource] as const)
}

const ours = (configs: Shown): Shown => configs.filter(([name]) => /^(barnabas|confluent)/.test(name))

t.test('set with the topic, shown with its configurations, gone with it', async t => {
  const house = await openHouse(t)
  const { topics: [created] } = await house.ask(CreateTopics, {
    topics: [{
      name: 'orders',
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [{ name: ALIAS, value: 'true' }, { name: 'barnabas.validation.tombstones', value: 'refuse' }, { name: 'segment.bytes', value: '2000000' }]
    }]
  })
  t.match(created, { errorCode: 0 })
  const told = created!.configs!.map(({ name, value }) => `${name}=${value}`)
  for (const one of ['segment.bytes=2000000', `${VALUE}=id`, `${ALIAS}=true`, 'barnabas.validation.tombstones=refuse']) t.ok(told.includes(one), one)
  const all = await described(house, 'orders')
  t.same(ours(all), [[VALUE, 'id', 1], ['barnabas.validation.tombstones', 'refuse', 1], [ALIAS, 'true', 1]])
  t.ok(all.some(([name, value, source]) => name === 'segment.bytes' && value === '2000000' && source === 1))
  t.match(await house.send('orders', [valued('bad')]), { errorCode: errors.INVALID_RECORD })

  await house.ask(DeleteTopics, { topicNames: ['orders'], timeoutMs: 1000 }, 5)
  t.notOk(house.store.validation.has('orders'))
  await house.create('orders')
  t.same(ours(await described(house, 'orders')), [])
  t.match(await house.send('orders', [valued('bad')]), { errorCode: errors.NONE })
})

t.test('a topic that is deleted by its id takes its settings with it', async t => {
  const house = await openHouse(t)
  await house.create('orders', { [VALUE]: 'id' })
  const { topics: [{ topicId } = { topicId: '' }] } = await house.ask(Metadata, { topics: [{ name: 'orders' }] })
  t.match(await house.ask(DeleteTopics, { topics: [{ topicId }], timeoutMs: 1000 }), { responses: [{ errorCode: 0 }] })
  t.notOk(house.store.validation.has('orders'))
  t.same(house.changes, [`orders {"${VALUE}":"id"}`, 'orders {}'])
})

t.test('changed one by one, beside the engine\'s own', async t => {
  const house = await openHouse(t)
  await house.create('orders')
  t.match(await house.configure('orders', { [VALUE]: 'payload', 'retention.ms': '1000' }), { errorCode: 0, errorMessage: null })
  t.same(ours(await described(house, 'orders')), [[VALUE, 'payload', 1], [ALIAS, 'true', 1]])
  t.match((await described(house, 'orders', ['retention.ms'])), [['retention.ms', '1000', 1]])
  t.match(await house.configure('orders', { 'barnabas.key.validation': 'id' }), { errorCode: 0 })
  t.match(await house.configure('orders', { [ALIAS]: null }), { errorCode: 0 }, 'the alias takes it away too')
  t.same(ours(await described(house, 'orders')), [['barnabas.key.validation', 'id', 1], ['confluent.key.schema.validation', 'true', 1]])
  t.match(await house.configure('orders', { 'barnabas.key.validation': null }), { errorCode: 0 })
  t.equal(house.store.validation.size, 0)
})

t.test('by name they are shown whether they are set or not', async t => {
  const house = await openHouse(t)
  await house.create('orders')
  t.same(await described(house, 'orders', [VALUE, ALIAS, 'barnabas.validation.dead.letter.topic']), [
    [VALUE, 'off', 5], [ALIAS, 'false', 5], ['barnabas.validation.dead.letter.topic', '', 5]
  ])
  t.same(await described(house, 'orders', [VALUE, 'cleanup.policy']), [['cleanup.policy', 'delete', 5], [VALUE, 'off', 5]])
  await house.configure('orders', { [VALUE]: 'id' })
  const { results } = await house.ask(DescribeConfigs, {
    resources: [{ resourceType: 2, resourceName: 'orders', configurationKeys: [VALUE, ALIAS] }, { resourceType: 4, resourceName: '', configurationKeys: null }],
    includeSynonyms: true,
    includeDocumentation: true
  })
  t.match(results[0]!.configs, [
    { name: VALUE, configType: 2, documentation: /What is checked of the value/, synonyms: [{ value: 'id', source: 1 }, { value: 'off', source: 5 }] },
    { name: ALIAS, configType: 1, documentation: /Confluent's name/, synonyms: [{ value: 'true', source: 1 }, { value: 'false', source: 5 }] }
  ])
  t.ok(results[1]!.configs.length > 3, 'the broker\'s are the engine\'s')
  await t.rejects(described(house, 'nothing', [VALUE]), /There is no topic nothing/)
  t.same(ours(await described(house, 'orders', null, 1)).map(([name]) => name), [VALUE, ALIAS], 'older versions know no types')
})

t.test('what is not right changes nothing', async t => {
  const house = await openHouse(t)
  await house.create('orders')
  const refused = async (configs: Record<string, string | null>, message: RegExp, errorCode: number = errors.INVALID_CONFIG): Promise<void> => {
    t.match(await house.configure('orders', configs), { errorCode, errorMessage: message })
  }
  await refused({ [VALUE]: 'maybe', 'retention.ms': '5' }, /must be one of off, id, payload/)
  await refused({ [VALUE]: 'id', 'retention.ms': 'soon' }, /retention\.ms is soon/)
  await refused({ [VALUE]: 'id', 'no.such.config': '1' }, /no\.such\.config/)
  await refused({ 'barnabas.validation.action': 'dead-letter' }, /set both at once/)
  t.same(ours(await described(house, 'orders')), [])
  t.match(await described(house, 'orders', ['retention.ms']), [['retention.ms', '-1', 5]])
  t.match(await house.configure('nothing', { [VALUE]: 'id' }), { errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: 'There is no topic nothing.' })
  const { responses } = await house.ask(IncrementalAlterConfigs, {
    resources: [
      { resourceType: 2, resourceName: 'orders', configs: [{ name: VALUE, configOperation: 2, value: 'id' }] },
      { resourceType: 4, resourceName: '1', configs: [{ name: VALUE, configOperation: 0, value: 'id' }] }
    ],
    validateOnly: false
  })
  t.match(responses, [{ errorCode: errors.INVALID_CONFIG, errorMessage: /is no list/ }, { errorCode: errors.INVALID_REQUEST }])
  const { topics } = await house.ask(CreateTopics, {
    topics: ['orders', 'other', 'good'].map(name => ({
      name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [{ name: VALUE, value: name === 'other' ? 'maybe' : 'id' }]
    }))
  })
  t.match(new Map(topics.map(({ name, errorCode }) => [name, errorCode])), new Map([
    ['orders', errors.TOPIC_ALREADY_EXISTS], ['other', errors.INVALID_CONFIG], ['good', errors.NONE]
  ]))
  t.same([...house.store.validation.keys()], ['good'], 'a topic that was there keeps what it had')
})

t.test('only asking changes nothing', async t => {
  const house = await openHouse(t)
  await house.create('orders')
  const { responses } = await house.ask(IncrementalAlterConfigs, {
    resources: [{ resourceType: 2, resourceName: 'orders', configs: [{ name: VALUE, configOperation: 0, value: 'id' }] }], validateOnly: true
  })
  t.match(responses, [{ errorCode: 0 }])
  await house.ask(CreateTopics, {
    topics: [{ name: 'new', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [{ name: VALUE, value: 'id' }] }], validateOnly: true
  })
  t.equal(house.store.validation.size, 0)
})

t.test('who names a topic for bad records must be allowed to write to it', async t => {
  const house = await openHouse(t, { mayWrite: (_context, topic) => topic !== 'secret' })
  await house.create('orders')
  const deadLetter = (topic: string): Record<string, string> =>
    ({ 'barnabas.validation.action': 'dead-letter', 'barnabas.validation.dead.letter.topic': topic })
  t.match(await house.configure('orders', deadLetter('secret')), { errorCode: errors.INVALID_CONFIG, errorMessage: /WRITE on TOPIC secret/ })
  t.match(await house.configure('orders', deadLetter('_barnabas')), { errorCode: errors.INVALID_CONFIG })
  t.match(await house.configure('orders', deadLetter('_barnabas_gateways')), { errorCode: errors.INVALID_CONFIG })
  t.match(await house.configure('orders', deadLetter('orders.bad')), { errorCode: 0 })
})

t.test('changes that come together all count', async t => {
  const house = await openHouse(t)
  await house.create('orders')
  await Promise.all([
    house.configure('orders', { [VALUE]: 'id' }),
    house.configure('orders', { 'barnabas.key.validation': 'payload' }),
    house.configure('orders', { 'barnabas.validation.action': 'shadow' })
  ])
  t.same(house.table.settings('orders'), {
    key: 'payload', value: 'id', keyStrategy: 'TopicName', valueStrategy: 'TopicName', action: 'shadow', deadLetterTopic: null, tombstones: true
  })
})

t.test('they are there again after a restart', async t => {
  const house = await openHouse(t)
  await house.create('orders', { [VALUE]: 'payload' })
  const again = new AccessStore(house.engine)
  await again.open()
  t.teardown(() => again.close())
  t.same(again.validation.get('orders'), { [VALUE]: 'payload' })
  t.ok(again.isEmpty, 'and are neither users nor rules')
})
