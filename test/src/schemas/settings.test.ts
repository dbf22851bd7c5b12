import t from 'tap'
import {
  canonicalName, canonicalValue, checkSettings, defaultSettings, describeSettings, isChecking, isSetting, settingsOf
} from '../../../src/schemas/settings.ts'

t.test('what is not set is Kafka as it is', async t => {
  t.same(defaultSettings, {
    key: 'off', value: 'off', keyStrategy: 'TopicName', valueStrategy: 'TopicName', action: 'reject', deadLetterTopic: null, tombstones: true
  })
  t.notOk(isChecking(defaultSettings))
  t.ok(isChecking({ ...defaultSettings, tombstones: false }))
  t.ok(isChecking({ ...defaultSettings, key: 'id' }))
})

t.test('Confluent\'s names mean the same', async t => {
  t.equal(canonicalName('confluent.value.schema.validation'), 'barnabas.value.validation')
  t.equal(canonicalValue('confluent.value.schema.validation', 'true'), 'id')
  t.equal(canonicalValue('confluent.key.schema.validation', 'FALSE'), 'off')
  t.equal(canonicalName('confluent.key.subject.name.strategy'), 'barnabas.key.subject.name.strategy')
  const record = 'io.confluent.kafka.serializers.subject.TopicRecordNameStrategy'
  t.equal(canonicalValue('confluent.value.subject.name.strategy', record), 'TopicRecordName')
  t.equal(canonicalValue('barnabas.value.subject.name.strategy', record), 'TopicRecordName', 'the class name is understood everywhere')
  t.same(describeSettings({ 'barnabas.value.validation': 'payload' }, null).map(({ name, value }) => [name, value]), [
    ['barnabas.value.validation', 'payload'], ['confluent.value.schema.validation', 'true']
  ])
})

t.test('what is not right is refused with what would be', async t => {
  const refused = (name: string, value: string | null, message: RegExp): void => {
    t.throws(() => canonicalValue(name, value), { code: 'INVALID_CONFIG', message }, `${name}=${value}`)
  }
  refused('barnabas.value.validation', 'true', /is "true", but must be one of off, id, payload/)
  refused('barnabas.value.validation', null, /needs a value/)
  refused('confluent.value.schema.validation', 'payload', /must be true or false/)
  refused('confluent.value.subject.name.strategy', 'TopicName', /one of io\.confluent\.kafka/)
  refused('barnabas.validation.action', 'drop', /one of reject, shadow, dead-letter/)
  refused('barnabas.validation.tombstones', 'false', /one of allow, refuse/)
  for (const topic of ['', '.', 'a b', 'x'.repeat(250)]) refused('barnabas.validation.dead.letter.topic', topic, /no name of a topic/)
  for (const topic of ['_barnabas', '_schemas', '__consumer_offsets']) refused('barnabas.validation.dead.letter.topic', topic, /keep for themselves/)
  refused('barnabas.value.validation', 'x'.repeat(1000), /is "x{100}…"/)
  for (const name of ['__proto__', 'constructor', 'cleanup.policy', 'barnabas.other']) t.notOk(isSetting(name), name)
})

t.test('settings that contradict each other are refused', async t => {
  const deadLetter = { 'barnabas.validation.action': 'dead-letter' }
  t.throws(() => checkSettings('orders', deadLetter), { code: 'INVALID_CONFIG', message: /set both at once/ })
  t.throws(() => checkSettings('orders', { ...deadLetter, 'barnabas.validation.dead.letter.topic': 'orders' }), { message: /must be another topic/ })
  t.doesNotThrow(() => checkSettings('orders', { ...deadLetter, 'barnabas.validation.dead.letter.topic': 'orders.bad' }))
})

t.test('what a newer version has written counts as not set', async t => {
  t.equal(settingsOf({ 'barnabas.value.validation': 'deeply' }).value, 'off')
})
