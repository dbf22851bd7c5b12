/** `scripts/check-protocol.ts`: each way in which our definitions can differ from Kafka's is found, and said in one line. */
import t from 'tap'
import { spawnSync } from 'node:child_process'
import { compareAll, notOurs } from '../../scripts/protocol/compare.ts'
import { parseDefinition, parseVersions, type Definition, type Definitions, type OfficialField } from '../../scripts/protocol/official.ts'
import { api, array, int16, int32, int64, string, struct, topicName, type Api, type Fields } from '../../protocol/schema.ts'

const requestHeader: Definition = {
  name: 'RequestHeader',
  type: 'header',
  validVersions: '1-2',
  flexibleVersions: '2+',
  fields: [
    { name: 'RequestApiKey', type: 'int16', versions: '0+' },
    { name: 'RequestApiVersion', type: 'int16', versions: '0+' },
    { name: 'CorrelationId', type: 'int32', versions: '0+' },
    { name: 'ClientId', type: 'string', versions: '1+', nullableVersions: '1+', flexibleVersions: 'none' }
  ]
}

const post: Definition = {
  name: 'PostRequest',
  type: 'request',
  apiKey: 900,
  validVersions: '1-4',
  flexibleVersions: '3+',
  fields: [
    { name: 'Gone', type: 'int8', versions: '0' },
    {
      name: 'Topics',
      type: '[]PostTopic',
      versions: '0+',
      fields: [
        { name: 'Name', type: 'string', versions: '0+', entityType: 'topicName' },
        { name: 'Ids', type: '[]int32', versions: '2+', nullableVersions: '3+' }
      ]
    },
    { name: 'Epoch', type: 'int64', versions: '2+', default: '-1', ignorable: true },
    { name: 'Leader', type: 'Node', versions: '3+', taggedVersions: '3+', tag: 1 },
    { name: 'Rack', type: 'string', versions: '3+', nullableVersions: '3+', default: 'null', taggedVersions: '3+', tag: 0 },
    { name: 'Late', type: 'int16', versions: '4+', default: '0x7f' }
  ],
  commonStructs: [{ name: 'Node', fields: [{ name: 'Id', type: 'int32', versions: '3+', default: '-1', entityType: 'brokerId' }] }]
} as Definition

const postResponse: Definition = { ...post, name: 'PostResponse', type: 'response', fields: [] }

/** Ours, field by field the same. */
const fields = {
  topics: array({ name: topicName, ids: array(int32).since(2).nullable(3) }),
  epoch: int64.since(2).default(-1).ignorable(),
  leader: struct({ id: int32.default(-1) }).since(3).tag(1),
  rack: string.since(3).nullable().default(null).tag(0),
  late: int16.since(4).default(127)
}

const apiWith = (request: Fields, range: Parameters<typeof api>[2] = { versions: [1, 4], flexible: 3 }): Api => api(900, 'Post', range, request, {})

const kafkas = (...definitions: readonly Definition[]): Definitions =>
  new Map([requestHeader, post, postResponse, ...definitions].map(definition => [definition.name, definition]))

const differences = (request: Fields): readonly string[] => compareAll(kafkas(), [apiWith(request)]).differences

t.test('definitions that say the same have no differences', async t => {
  const { differences, behind, messages, versions } = compareAll(kafkas(), [apiWith(fields)])
  t.strictSame(differences, [])
  t.strictSame(behind, [])
  t.match({ messages, versions }, { messages: 3, versions: 10 }, 'header, request, response')
})

const changes: readonly (readonly [title: string, request: Fields, expected: readonly string[]])[] = [
  ['a type', { ...fields, late: int32.since(4).default(127) },
    ["Post v4 request late: ours int32, default 127, Kafka's int16, default 127"]],
  ['a missing field', { topics: fields.topics, epoch: fields.epoch, leader: fields.leader, rack: fields.rack },
    [1, 2, 3].map(v => `Post v${v} request late: ours missing, Kafka's absent, default 127`)
      .concat("Post v4 request late: ours missing, Kafka's int16, default 127")],
  ['a first version', { ...fields, late: int16.since(3).default(127) },
    ["Post v3 request late: ours int16, default 127, Kafka's absent, default 127"]],
  ['a last version', { ...fields, epoch: int64.since(2).until(3).default(-1).ignorable() },
    ["Post v4 request epoch: ours absent and ignorable, default -1, Kafka's int64, default -1"]],
  ['an order', { epoch: fields.epoch, topics: fields.topics, leader: fields.leader, rack: fields.rack, late: fields.late },
    [2, 3, 4].map(v => `Post v${v} request: order, ours has epoch where Kafka's has topics`)],
  ['nullability', { ...fields, topics: array({ name: topicName, ids: array(int32).since(2) }) },
    [3, 4].map(v => `Post v${v} request topics[].ids: ours []int32, compact, Kafka's []int32, compact, nullable`)],
  ['a default', { ...fields, epoch: int64.since(2).ignorable() },
    ["Post v1 request epoch: ours absent and ignorable, Kafka's absent and ignorable, default -1"]
      .concat([2, 3, 4].map(v => `Post v${v} request epoch: ours int64, Kafka's int64, default -1`))],
  ['a tag', { ...fields, rack: string.since(3).nullable().default(null).tag(2) },
    [3, 4].map(v => `Post v${v} request rack: ours string, compact, nullable, default null, tag 2, Kafka's string, compact, nullable, default null, tag 0`)],
  ['a field that is not tagged', { ...fields, leader: struct({ id: int32.default(-1) }).since(3) },
    [3, 4].map(v => `Post v${v} request leader: ours struct, Kafka's struct, tag 1`)],
  ['whether it may be dropped', { ...fields, epoch: int64.since(2).default(-1) },
    ["Post v1 request epoch: ours absent, default -1, Kafka's absent and ignorable, default -1"]],
  ['what it names', { ...fields, topics: array({ name: string, ids: array(int32).since(2).nullable(3) }) },
    ['string', 'string', 'string, compact', 'string, compact']
      .map((type, i) => `Post v${i + 1} request topics[].name: ours ${type}, Kafka's ${type}, names topicName`)],
  ['a field inside a struct', { ...fields, leader: struct({ id: int32.default(-1), port: int32 }).since(3).tag(1) },
    [3, 4].map(v => `Post v${v} request leader.port: ours int32, Kafka's missing`)]
]

for (const [title, request, expected] of changes) {
  t.test(`finds ${title} that differs`, async t => t.strictSame(differences(request), expected))
}

t.test('finds a flexible version that differs', async t => {
  t.match(compareAll(kafkas(), [apiWith(fields, { versions: [1, 4], flexible: 2 })]).differences.filter(line => line.includes('flexible')), [
    "Post v2 request: ours flexible, Kafka's flexible in 3+",
    "Post v2 response: ours flexible, Kafka's flexible in 3+"
  ])
})

t.test('finds a header that differs', async t => {
  const compactId: Definition = { ...requestHeader, fields: requestHeader.fields.map(({ flexibleVersions, ...field }) => field) as OfficialField[] }
  t.strictSame(compareAll(kafkas(compactId), [apiWith(fields)]).differences,
    ["RequestHeader v2 clientId: ours string, nullable, Kafka's string, compact, nullable"])
})

t.test('finds versions and messages that only we have', async t => {
  t.strictSame(compareAll(kafkas(), [apiWith({}, { versions: [5, 5], flexible: 3 })]).differences, [
    "Post v5 request: ours alone, Kafka's definitions have 1-4",
    "Post v5 response: ours alone, Kafka's definitions have 1-4"
  ])
  t.match(compareAll(kafkas(), [api(901, 'Get', { versions: [0, 0], flexible: 0 }, {}, {})]).differences[0], /Get v0 request: ours alone/)
})

t.test('says what Kafka has beyond ours, which is no difference', async t => {
  const newer = { ...post, validVersions: '0-6', latestVersionUnstable: true }
  const result = compareAll(kafkas(newer), [apiWith(fields)])
  t.strictSame(result.behind, ['Post 0 to 0, 5, 6 (not stable)'])
  t.strictSame(result.differences, [])
  t.strictSame(notOurs(kafkas(), []), ['Post'])
})

t.test('versions are read in every form', async t => {
  t.strictSame(['3', '3-7', '3+', 'none', undefined].map(parseVersions), [[3, 3], [3, 7], [3, Infinity], [Infinity, -Infinity], [Infinity, -Infinity]])
})

t.test('comments are no part of a definition, but what looks like one in a string is', async t => {
  const definition = parseDefinition('a.json', '// a licence\n{ "name": "A", // https://example.com "x"\n "validVersions": "0", "about": "see // \\" here" }')
  t.match(definition, { name: 'A', fields: [], about: 'see // " here' })
})

// ---- the command

const check = (...args: readonly string[]): { readonly status: number | null, readonly stdout: string, readonly stderr: string } =>
  spawnSync(process.execPath, ['scripts/check-protocol.ts', ...args], { encoding: 'utf8', cwd: new URL('../..', import.meta.url).pathname })

/** A payload that needs no requests beside it. */
function offsetCommitValue (epochType: string): string {
  return `// a comment
  { "type": "coordinator-value", "name": "OffsetCommitValue", "validVersions": "0-4", "flexibleVersions": "4+", "fields": [
    { "name": "offset", "type": "int64", "versions": "0+" },
    { "name": "leaderEpoch", "type": "${epochType}", "versions": "3+", "default": -1, "ignorable": true },
    { "name": "metadata", "type": "string", "versions": "0+" },
    { "name": "commitTimestamp", "type": "int64", "versions": "0+" },
    { "name": "expireTimestamp", "type": "int64", "versions": "1", "default": -1, "ignorable": true },
    { "name": "topicId", "type": "uuid", "versions": "4+", "taggedVersions": "4+", "tag": 0, "ignorable": true }
  ] }`
}

t.test('exits 0 where nothing differs', async t => {
  const { status, stdout } = check(t.testdir({ 'OffsetCommitValue.json': offsetCommitValue('int32') }))
  t.equal(status, 0)
  t.match(stdout, /1 messages in 5 versions compared, 0 differences\./)
})

t.test('exits 1 and prints what differs', async t => {
  const { status, stdout } = check(t.testdir({ 'OffsetCommitValue.json': offsetCommitValue('int64') }))
  t.equal(status, 1)
  t.match(stdout, /^OffsetCommitValue v3 leaderEpoch: ours int32, default -1, Kafka's int64, default -1$/m)
})

t.test('exits 2 where the input is of no use', async t => {
  const dir = t.testdir({ empty: {}, others: { 'X.json': '{ "name": "X", "validVersions": "0" }' }, broken: { 'X.json': '{' }, 'no.jar': 'not a jar' })
  for (const [args, reason] of [
    [[], /Give a folder/], [[`${dir}/empty`], /holds no message definitions/], [[`${dir}/others`], /none of the messages that we have/],
    [[`${dir}/broken`], /X\.json is not a message definition/], [[`${dir}/no.jar`], /neither a folder nor a jar/], [[`${dir}/nowhere`], /cannot be read/]
  ] as const) {
    const { status, stderr } = check(...args)
    t.equal(status, 2, args.join())
    t.match(stderr, reason)
  }
})
