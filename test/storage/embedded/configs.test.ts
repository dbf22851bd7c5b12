import t from 'tap'
import { checkConfig, configInfo, configNames, defaultOf, topicConfig, type ConfigName } from '../../../storage/embedded/configs.ts'

const defaults = { retentionMs: 1234, segmentBytes: 5678 }

/** A value that is not the default, for every configuration that has more than one. */
const others: { readonly [N in Exclude<ConfigName, 'compression.type' | 'min.insync.replicas'>]: string } = {
  'cleanup.policy': 'compact',
  'delete.retention.ms': '1',
  'index.interval.bytes': '1',
  'max.message.bytes': '1',
  'message.timestamp.after.max.ms': '1',
  'message.timestamp.before.max.ms': '1',
  'message.timestamp.type': 'LogAppendTime',
  'min.cleanable.dirty.ratio': '0.1',
  'min.compaction.lag.ms': '1',
  'retention.bytes': '1',
  'retention.ms': '1',
  'segment.bytes': '4096',
  'segment.ms': '1'
}

t.test('every configuration that can be set changes something', async t => {
  const usual = JSON.stringify(topicConfig(new Map(), defaults))
  for (const [name, value] of Object.entries(others)) {
    checkConfig(name, value)
    t.not(JSON.stringify(topicConfig(new Map([[name, value]]), defaults)), usual, name)
  }
  const single = configNames.filter(name => !Object.hasOwn(others, name))
  t.strictSame(single, ['compression.type', 'min.insync.replicas'], 'but for those that have one value only')
  for (const name of single) t.throws(() => checkConfig(name, defaultOf(name, defaults) === '1' ? '2' : 'gzip'), { code: 'INVALID_CONFIG' })
})

t.test('every default is a value that could be set', async t => {
  for (const name of configNames) t.doesNotThrow(() => checkConfig(name, defaultOf(name, defaults)), name)
})

t.test('what the server sets is the default of topics', async t => {
  t.equal(defaultOf('retention.ms', defaults), '1234')
  t.equal(topicConfig(new Map(), defaults).log.retentionMs, 1234)
  t.equal(topicConfig(new Map(), defaults).log.segmentBytes, 5678)
})

t.test('every configuration tells its type and what it does', async t => {
  for (const name of configNames) {
    const { type, documentation } = configInfo(name)
    t.ok(type > 0 && documentation.endsWith('.'), name)
  }
})

const wrong: [name: string, value: string | null][] = [
  ['retention.ms', null], ['retention.ms', ''], ['retention.ms', 'soon'], ['retention.ms', '1.5'], ['retention.ms', '-2'],
  ['retention.ms', '9223372036854775808'], ['retention.ms', '1e3'], ['segment.bytes', '2147483648'], ['segment.bytes', '10'], ['segment.ms', '0'],
  ['min.cleanable.dirty.ratio', '1.1'], ['min.cleanable.dirty.ratio', 'NaN'], ['cleanup.policy', ''], ['cleanup.policy', 'delete,'],
  ['cleanup.policy', 'shrink'], ['message.timestamp.type', 'createtime'], ['min.insync.replicas', '2'], ['no.such.thing', '1'],
  ['__proto__', '1'], ['toString', '1']
]
t.test('what is wrong is refused with what would be right', async t => {
  for (const [name, value] of wrong) t.throws(() => checkConfig(name, value), { code: 'INVALID_CONFIG', message: name }, `${name}=${value}`)
})

t.test('the largest number that Kafka has means never', async t => {
  const MAX_LONG = '9223372036854775807'
  for (const name of ['retention.ms', 'segment.ms', 'message.timestamp.before.max.ms', 'delete.retention.ms']) t.doesNotThrow(() => checkConfig(name, MAX_LONG))
  t.ok(topicConfig(new Map([['retention.ms', MAX_LONG]]), defaults).log.retentionMs > Number.MAX_SAFE_INTEGER)
})

t.test('words in a list may have spaces around them', async t => {
  checkConfig('cleanup.policy', ' compact , delete ')
  t.match(topicConfig(new Map([['cleanup.policy', ' compact , delete ']]), defaults).log, { compacts: true, deletes: true })
})
