/** Which versions a new schema is compared with, in which direction, and what is told. */
import t from 'tap'
import { compatibility, compatibilityInTurns, type Earlier } from '../../../src/schemas/compatibility.ts'
import type { CompatibilityLevel, SchemaContent } from '../../../src/schemas/model.ts'
import { fake, fakeFormat } from './support/fake-format.ts'
import { newRegistry, openRegistry } from './support/registries.ts'

const format = fakeFormat()
const parse = (fields: string, type = format) => type.parse({ text: fake(fields).schema, references: [] })

/** The newest first. */
const earlier = (...fields: readonly string[]): Earlier[] => fields.map((one, i) => ({ version: fields.length - i, text: one, parsed: () => parse(one) }))

const failing = (level: CompatibilityLevel, fields: string, before: readonly Earlier[]): number | null =>
  compatibility(parse(fields), before, { level, policy: 'STRICT' }).conflicts[0]?.version ?? null

t.test('levels: direction, and how far back', async t => {
  // The new one lacks b, and asks for c; version 2 is like it, version 1 has b.
  const rows: readonly (readonly [level: CompatibilityLevel, fields: string, before: readonly string[], failing: number | null])[] = [
    ['NONE', 'a b', ['x', 'y'], null],
    ['BACKWARD', 'a b', ['a'], 1],
    ['BACKWARD', 'a', ['a b'], null],
    ['BACKWARD', 'a b', ['a b', 'a'], null],
    ['BACKWARD_TRANSITIVE', 'a b', ['a b', 'a', 'x'], 2],
    ['BACKWARD_TRANSITIVE', 'a', ['a b', 'a'], null],
    ['FORWARD', 'a', ['a b'], 1],
    ['FORWARD', 'a b', ['a'], null],
    ['FORWARD', 'a', ['a', 'a b'], null],
    ['FORWARD_TRANSITIVE', 'a', ['a', 'a b'], 1],
    ['FULL', 'a b', ['a'], 1],
    ['FULL', 'a', ['a b'], 1],
    ['FULL', 'a b?', ['a'], null],
    ['FULL', 'a b?', ['a', 'x'], null],
    ['FULL_TRANSITIVE', 'a b?', ['a', 'x'], 1],
    ['FULL_TRANSITIVE', 'a b?', [], null]
  ]
  for (const [level, fields, before, expected] of rows) {
    t.equal(failing(level, fields, earlier(...before)), expected, `${level} ${fields} after ${before.join(', ')}`)
  }
})

t.test('another language goes with nothing, but at NONE', async t => {
  const json: Earlier[] = [{ version: 1, text: 'x', parsed: () => parse('a', fakeFormat('JSON')) }]
  t.equal(failing('FORWARD', 'a', json), 1)
  t.equal(failing('NONE', 'a', json), null)
  t.equal(compatibility(parse('a'), json, { level: 'FULL', policy: 'STRICT' }).messages[0], 'Incompatible because of different schema type')
})

t.test('messages are in the format of the peers', async t => {
  const { messages, conflicts } = compatibility(parse('a b'), earlier('a c'), { level: 'FULL', policy: 'STRICT' })
  const sentence = (field: string, reader: string, writer: string): string => '{errorType:\'READER_FIELD_MISSING_DEFAULT_VALUE\', ' +
    `description:'The field "${field}" in the ${reader} schema has no default value and is missing in the ${writer} schema', additionalInfo:'${field}'}`
  t.strictSame(messages, [
    sentence('b', 'new', 'old'), sentence('c', 'old', 'new'), '{oldSchemaVersion: 1}', "{oldSchema: 'a c'}", "{validateFields: 'false', compatibility: 'FULL'}"
  ])
  t.strictSame(conflicts.map(({ version, reader, incompatibilities }) => [version, reader, incompatibilities.length]), [[1, 'new', 1], [1, 'old', 1]])
  const long = compatibility(parse('b'), earlier('a '.repeat(9000)), { level: 'BACKWARD', policy: 'STRICT' }).messages
  t.equal(long[2], `{oldSchema: '${'a '.repeat(5120)}...'}`, 'cut at 10 KiB')
})

t.test('the registry compares with what is not deleted, as its configuration says', async t => {
  const { registry } = await newRegistry(t)
  await registry.register('s', fake('a'))
  const error: unknown = await registry.register('s', fake('a b')).catch((error: unknown) => error)
  t.match(error, {
    code: 40901,
    status: 409,
    conflicts: [{ version: 1, reader: 'new', incompatibilities: [{ type: 'READER_FIELD_MISSING_DEFAULT_VALUE', path: '/b' }] }],
    message: 'Schema being registered is incompatible with an earlier schema for subject "s", details: [{errorType:\'READER_FIELD_MISSING_DEFAULT_VALUE\', ' +
      'description:\'The field "b" in the new schema has no default value and is missing in the old schema\', additionalInfo:\'b\'}, {oldSchemaVersion: 1}, ' +
      `{oldSchema: '${fake('a').schema}'}, {validateFields: 'false', compatibility: 'BACKWARD'}]`
  })
  t.strictSame((await registry.check('s', 'latest', fake('a b'))).isCompatible, false)
  t.strictSame(await registry.check('s', 'latest', fake('a b?')), { isCompatible: true, messages: [] })
  await registry.register('s', fake('a b'), { force: true })
  t.ok((await registry.check('s', 'latest', fake('a b'))).isCompatible)
  t.notOk((await registry.check('s', 1, fake('a b'))).isCompatible, 'against one version')
  t.ok((await registry.check('s', 'all', fake('a b'))).isCompatible, 'against those that the level asks for')
  await registry.setConfig('s', { compatibilityLevel: 'BACKWARD_TRANSITIVE' })
  t.notOk((await registry.check('s', 'all', fake('a b'))).isCompatible)
  await registry.deleteVersion('s', 1, false)
  t.ok((await registry.check('s', 'all', fake('a b'))).isCompatible, 'what is deleted does not count')
  await t.rejects(registry.check('s', 1, fake('a b')), { code: 40402 })
  await t.rejects(registry.check('s', 9, fake('a b')), { code: 40402 })
  t.strictSame(await registry.check('new', 'latest', fake('a b')), { isCompatible: true, messages: [] })
  t.strictSame(await registry.check('new', 'all', fake('a b')), { isCompatible: true, messages: [] })
  await t.rejects(registry.check('new', 'latest', fake('', { schema: 'no' })), { code: 42201 })
  await t.rejects(registry.register('s', fake('x', { schemaType: 'JSON' })), { code: 40901, message: /different schema type/ })
})

t.test('a group is compared with itself', async t => {
  const { registry } = await newRegistry(t)
  const of = (group: string, fields: string): SchemaContent => fake(fields, { metadata: { properties: { major: group } } })
  await registry.setConfig('s', { compatibilityGroup: 'major', compatibilityLevel: 'FULL_TRANSITIVE' })
  await registry.register('s', of('1', 'a'))
  t.match(await registry.register('s', of('2', 'b')), { version: 2 }, 'the first of another group')
  t.match(await registry.register('s', of('1', 'a c?')), { version: 3 })
  await t.rejects(registry.register('s', of('2', 'b d')), { code: 40901, message: /oldSchemaVersion: 2/ })
  await t.rejects(registry.register('s', fake('x')), { code: 40901, message: /oldSchemaVersion: 3/ }, 'who says nothing is in the group of the latest')
})

/** As long as a large schema may take. */
function busy (ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

t.test('many versions are compared in turns with others', async t => {
  const rules = { level: 'BACKWARD_TRANSITIVE', policy: 'STRICT' } as const
  let turns = 0
  let isDone = false
  const other = (): void => {
    turns++
    if (!isDone) setImmediate(other)
  }
  setImmediate(other)
  const slow = earlier(...new Array<string>(40).fill('a')).map(one => ({ ...one, parsed: () => { busy(5); return one.parsed() } }))
  t.strictSame(await compatibilityInTurns(parse('a'), slow, rules), { messages: [], conflicts: [] })
  isDone = true
  t.ok(turns >= 10, `${turns} turns of others in 40 versions of 5 ms`)
  for (const fields of ['a', 'a b', 'b']) {
    for (const level of ['NONE', 'BACKWARD', 'BACKWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE'] as const) {
      const before = earlier('a b', 'a b', 'a')
      const inTurns = await compatibilityInTurns(parse(fields), before, { ...rules, level })
      t.strictSame(inTurns, compatibility(parse(fields), before, { ...rules, level }), `${level} ${fields}`)
    }
  }
})

t.test('a version that comes while others are compared is compared too', async t => {
  const { log, registry } = await newRegistry(t)
  const other = await openRegistry(t, log.dispatch)
  await registry.setConfig('s', { compatibilityLevel: 'FORWARD_TRANSITIVE' })
  for (let i = 0; i < 30; i++) await registry.register('s', fake(`a x${i}?`))
  await other.refresh()
  // In the middle of the walk somebody else registers what asks for a field that the new one does not have.
  let isIn: Promise<unknown> | null = null
  for (let version = 1; version <= 30; version++) {
    const one = registry.parsed(registry.get('s', version))
    one.incompatibilities = () => {
      busy(6)
      if (version === 20) isIn ??= other.register('s', fake('q'), { force: true })
      return []
    }
  }
  await t.rejects(registry.register('s', fake('a z?')), { code: 40901, message: /oldSchemaVersion: 31/ })
  await isIn
  t.equal(registry.get('s', 'latest').version, 31)
})
