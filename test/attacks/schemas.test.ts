/**
 * Schemas that are made to hurt: over HTTP, to a process of its own, of which somebody else asks all the time whether it is alive.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { SchemaType } from '../../src/schemas/model.ts'
import { openHostileHouse, told, type HostileHouse, type Told } from './hostile-house.ts'

/** On a machine that has time: what others make it wait comes on top. */
const MAX_PAUSE_MS = 2000
const MAX_CPU_MS = 3000
/** After hundreds of attacks on one process: what the collector has not given back yet is most of it, some 600 on a quiet machine. */
const MAX_RESIDENT_MIB = 900

const many = (count: number, one: (i: number) => string, between = ','): string => Array.from({ length: count }, (_, i) => one(i)).join(between)
const nested = (depth: number, open: string, inner: string, close: string): string => open.repeat(depth) + inner + close.repeat(depth)
const record = (fields: string, name = 'R'): string => `{"type":"record","name":"${name}","fields":[${fields}]}`
const object = (properties: string): string => `{"type":"object","properties":{${properties}}}`
/** Records that refer to each other, in steps of so many. */
const web = (step: number): string => record(many(130, i =>
  `{"name":"f${i}","type":${record(many(35, j => `{"name":"g${j}","type":"R${(i * step + j) % 130}"}`), `R${i}`)}}`), 'Z')
const proto = (body: string): string => `syntax = "proto3";\n${body}`

/** For the title of a test: one line of ASCII. */
const shown = (text: string): string => JSON.stringify(text.slice(0, 200)).replace(/[^ -~]/g, one => `\\u${one.charCodeAt(0).toString(16)}`)

/** Large ones of one subject, each of which is compared with all before it. */
const VERSIONS = 15

/** What each has cost, and that the process is there. */
async function unhurt (t: Test, { costs, ask, output }: HostileHouse): Promise<void> {
  t.comment(told(costs))
  const unforeseen = output().split('\n').filter(line => line.includes('"level":"error"'))
  t.strictSame(unforeseen.slice(0, 3), [], 'nothing happened that nobody foresaw')
  for (const [name, { pauseMs, cpuMs, residentMiB }] of costs) {
    if (pauseMs > MAX_PAUSE_MS) t.fail(`${name}: nobody else was answered for ${pauseMs.toFixed()} ms`)
    if (cpuMs > MAX_CPU_MS) t.fail(`${name}: ${cpuMs} ms of CPU`)
    if (residentMiB > MAX_RESIDENT_MIB) t.fail(`${name}: ${residentMiB.toFixed()} MiB`)
  }
  costs.clear()
  t.equal((await ask('GET', '/readyz')).status, 200)
  t.equal((await ask('POST', '/subjects/usual/versions', { schema: '"string"' })).status, 200, 'and others are served')
}

const taken = { status: 200, body: /"id":\d+/ }
const refused = (why: RegExp): object => ({ status: 422, body: why })

/** All a schema's life: registered twice, looked up, checked against itself, read, compared, used. */
async function live (house: HostileHouse, subject: string, type: SchemaType, first: string, second = first): Promise<Told> {
  const { measured, register, ask } = house
  const answer = await measured(`${subject}: register`, () => register(subject, type, first))
  if (answer.status !== 200) return answer
  const path = `/subjects/${encodeURIComponent(subject)}`
  await measured(`${subject}: lookup`, () => ask('POST', `${path}?normalize=true`, { schemaType: type, schema: `${second} ` }))
  await measured(`${subject}: check`, () => ask('POST', `/compatibility${path}/versions/latest?verbose=true`, { schemaType: type, schema: second }))
  await measured(`${subject}: register another`, () => register(subject, type, second))
  await measured(`${subject}: diff`, () => ask('GET', `${path}/versions/1/diff/latest`))
  await measured(`${subject}: write`, () => ask('POST', `/topics/${subject.replace(/-value$/, '')}`, '{"f1":1}'))
  return answer
}

const house = await openHostileHouse(t)

t.test('schemas that are deep, wide, long or large', async t => {
  const cases: readonly (readonly [name: string, SchemaType, text: string, expected: object, second?: string])[] = [
    ['avro-deep', 'AVRO', nested(10_000, '{"type":"array","items":', '"int"', '}'), refused(/nested|deep/)],
    ['avro-brackets', 'AVRO', '['.repeat(500_000), refused(/nested|deep/)],
    ['avro-levels', 'AVRO', nested(190, '{"type":"array","items":', '"int"', '}'), taken],
    ['avro-fields', 'AVRO', record(many(4900, i => `{"name":"f${i}","type":"int","default":0}`)), taken,
      record(many(4900, i => `{"name":"g${i}","type":"long","default":0}`))],
    ['avro-too-many', 'AVRO', record(many(20_000, i => `{"name":"f${i}","type":"int"}`)), refused(/more than/)],
    ['avro-enum', 'AVRO', `{"type":"enum","name":"E","symbols":[${many(9900, i => `"S${i}"`)}]}`, taken,
      `{"type":"enum","name":"E","symbols":[${many(9900, i => `"T${i}"`)}]}`],
    ['avro-million-symbols', 'AVRO', `{"type":"enum","name":"E","symbols":[${many(100_000, i => `"S${i}"`)}]}`, refused(/more than/)],
    ['avro-union', 'AVRO', `[${many(3300, i => record('{"name":"a","type":"int"}', `R${i}`))}]`, taken,
      `[${many(3300, i => record('{"name":"b","type":"int"}', `S${i}`))}]`],
    ['avro-web', 'AVRO', web(7),
      taken, web(11)],
    ['avro-itself', 'AVRO', record('{"name":"r","type":"R"}'), taken],
    ['avro-megabyte', 'AVRO', record(`{"name":"f","type":"int","doc":"${'d'.repeat(999_000)}"}`), taken],
    ['avro-long', 'AVRO', record(`{"name":"f","type":"int","doc":"${'d'.repeat(1_100_000)}"}`), refused(/1000000 at most/)],
    ['json-deep', 'JSON', nested(50_000, '{"items":', '{}', '}'), refused(/nested too deeply/)],
    ['json-wide', 'JSON', object(many(990, i => `"f${i}":{"type":"string"}`)), taken, object(many(990, i => `"f${i}":{"type":"number"}`))],
    ['json-too-wide', 'JSON', object(many(20_000, i => `"f${i}":{}`)), refused(/too many parts/)],
    ['json-parts', 'JSON', object(many(4900, i => `"f${i}":{"type":"string"}`)), { body: /./ }, object(many(4900, i => `"g${i}":{"type":"number"}`))],
    ['json-enum', 'JSON', `{"enum":[${many(19_000, i => `"e${i}"`)}]}`, taken, `{"enum":[${many(19_000, i => `"f${i}"`)}]}`],
    ['json-large-enum', 'JSON', `{"enum":[${many(60_000, i => `"e${i}"`)}]}`, refused(/more than 20000 values/)],
    ['json-any', 'JSON', `{"anyOf":[${many(190, i => object(`"p${i}":{"type":"string"}`))}]}`, taken,
      `{"anyOf":[${many(190, i => object(`"q${i}":{"type":"string"}`))}]}`],
    ['json-itself', 'JSON', '{"$ref":"#"}', { body: /./ }],
    ['json-twice-itself', 'JSON', '{"anyOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}],"$defs":{"a":{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}}}', { body: /./ }],
    ['proto-deep', 'PROTOBUF', proto(nested(10_000, 'message M {', '', '}')), refused(/within each other|nested|deep/)],
    ['proto-fields', 'PROTOBUF', proto(`message M {${many(4900, i => `int32 f${i} = ${i + 20_000};`, '')}}`), taken,
      proto(`message M {${many(4900, i => `string g${i} = ${i + 20_000};`, '')}}`)],
    ['proto-too-many', 'PROTOBUF', proto(`enum E {${many(30_000, i => `E${i} = ${i};`, '')}}`), refused(/more than/)],
    ['proto-maps', 'PROTOBUF', proto(`message M {${many(900, i => `map<string,int32> f${i} = ${i + 1};`, '')}}`), taken],
    ['proto-oneofs', 'PROTOBUF', proto(`message M {${many(2400, i => `oneof o${i} { int32 f${i} = ${i + 1}; }`, '')}}`), taken],
    ['proto-comments', 'PROTOBUF', proto(`${'/* '.repeat(300_000)}*/ message M {}`), taken]
  ]
  for (const [name, type, text, expected, second] of cases) t.match(await live(house, `${name}-value`, type, text, second), expected, name)
  await unhurt(t, house)
})

t.test('regular expressions that take for ever take no time, or are not taken', async t => {
  const { measured, register, ask } = house
  const patterns = ['(a+)+$', '^(a|a)*$', '^(a|aa)+$', '(.*.*.*.*.*)x', '^(([a-z])+.)+[A-Z]([a-z])+$', '(?:(?:(?:a{1,10}){1,10}){1,10})$',
    'a{1000}{1000}', '(?=a)b', '(a)\\1']
  for (const [i, pattern] of patterns.entries()) {
    const schema = JSON.stringify({ type: 'object', properties: { a: { type: 'string', pattern } }, patternProperties: { [pattern]: true } })
    const { status, body } = await measured(`${pattern}: register`, () => register(`p${i}-value`, 'JSON', schema))
    t.ok(status === 200 || (status === 422 && /pattern/.test(body)), `${pattern}: ${status} ${body.slice(0, 200)}`)
    if (status !== 200) continue
    const text = `${'a'.repeat(1_000_000)}!`
    const answer = await measured(`${pattern}: a million characters`, () => ask('POST', `/topics/p${i}`, { a: text, [text.slice(0, 10_000)]: 1 }))
    t.ok([201, 422].includes(answer.status), `${pattern}: ${answer.status} ${answer.body.slice(0, 200)}`)
  }
  const bad = Object.fromEntries(Array.from({ length: 490 }, (_, i) => [`^(a|b){1,10}${i}$`, true]))
  t.match(await measured('many patterns', () => register('many', 'JSON', JSON.stringify({ patternProperties: bad }))), refused(/regular expressions/))
  await unhurt(t, house)
})

t.test('references: to itself, in a ring, by the thousand, to elsewhere', async t => {
  const { measured, register, ask } = house
  const to = (...subjects: readonly string[]): object => ({ references: subjects.map(subject => ({ name: subject, subject, version: 1 })) })
  t.match(await register('self', 'AVRO', '"self"', to('self')), refused(/register it first/))
  t.match(await register('none', 'AVRO', '"int"', { references: [{ name: '', subject: '', version: 0 }] }), { body: /./ })

  // A ring is only made where versions may be given anew.
  t.match(await ask('PUT', '/mode?force=true', { mode: 'IMPORT' }), { status: 200 })
  t.match(await register('a', 'AVRO', record('{"name":"x","type":"int"}', 'a'), { id: 100_001, version: 1 }), taken)
  t.match(await register('b', 'AVRO', record('{"name":"y","type":"a"}', 'b'), { ...to('a'), id: 100_002, version: 1 }), taken)
  for (const names of [['b'], ['a', 'b'], ['a']]) {
    const ring = await measured(`a ring of ${names.join(' and ')}`, () =>
      register('a', 'AVRO', record('{"name":"x","type":["null","b"]}', 'a'), { ...to(...names), id: 100_003, version: 1 }))
    t.ok(ring.status < 500, `${ring.status} ${ring.body}`)
  }
  for (const path of ['/subjects/b/versions/1?format=resolved', '/subjects/a/versions/1?format=resolved', '/subjects/a/versions/1/referencedby']) {
    const answer = await measured(path, () => ask('GET', path))
    t.ok(answer.status < 500, `${path}: ${answer.status} ${answer.body.slice(0, 200)}`)
  }
  t.match(await ask('PUT', '/mode?force=true', { mode: 'READWRITE' }), { status: 200 })

  for (let i = 0; i < 120; i++) {
    const answer = await register(`chain${i}`, 'AVRO', record(`{"name":"x","type":${i === 0 ? '"int"' : `"chain${i - 1}"`}}`, `chain${i}`),
      i === 0 ? {} : to(`chain${i - 1}`))
    if (answer.status !== 200) {
      t.match(answer, refused(/deeper than 100/), `a chain ends at ${i}`)
      break
    }
  }
  const thousands = { references: Array.from({ length: 5000 }, (_, i) => ({ name: `n${i}`, subject: 'chain0', version: 1 })) }
  t.match(await measured('5,000 references', () => register('thousands', 'AVRO', '"int"', thousands)), refused(/500 others at most/))
  // Each level refers twice to the one below.
  for (let i = 0; i < 60; i++) {
    const below = `"dag${i - 1}"`
    const fields = i === 0 ? '{"name":"x","type":"int"}' : `{"name":"x","type":${below}},{"name":"y","type":${below}}`
    const answer = await measured(`a web of references: ${i}`, () => register(`dag${i}`, 'AVRO', record(fields, `dag${i}`), i === 0 ? {} : to(`dag${i - 1}`)))
    if (answer.status !== 200) {
      t.fail(`${i}: ${answer.body}`)
      break
    }
  }
  t.match(await measured('all of it in one text', () => ask('GET', '/subjects/dag59/versions/1?format=resolved')), { status: 200 })

  let asked = 0
  const elsewhere = createServer((_, response) => {
    asked++
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await once(elsewhere, 'listening')
  t.teardown(() => elsewhere.close())
  const url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/schema.json`
  for (const [name, text] of Object.entries({
    ref: { $ref: url },
    id: { $id: url, $ref: 'other.json' },
    meta: { $schema: url, type: 'object' },
    dynamic: { $dynamicRef: `${url}#a` },
    recursive: { $schema: 'https://json-schema.org/draft/2019-09/schema', $recursiveRef: url },
    within: { properties: { a: { $id: url, $ref: 'b.json' } } },
    file: { $ref: 'file:///etc/passwd' }
  })) {
    const answer = await register(`remote-${name}`, 'JSON', JSON.stringify(text))
    t.ok([200, 422].includes(answer.status), `${name}: ${answer.status} ${answer.body}`)
    t.notMatch(answer.body, /root:/)
    await ask('POST', `/topics/remote-${name}`, '{}')
  }
  for (const path of [url, 'file:///etc/passwd', '/etc/passwd', '../../etc/passwd']) {
    t.match(await register('remote-proto', 'PROTOBUF', proto(`import "${path}"; message M {}`)), refused(/not there|import/))
  }
  t.equal(asked, 0, 'nothing is ever fetched')
  await unhurt(t, house)
})

t.test('names that are none, bodies that are bombs', async t => {
  const { measured, register, ask } = house
  const names = ['__proto__', 'constructor', 'toString', 'a"b', 'a\nb', 'a\u2028b', '\u0000', '\u202e', '\\', '../..', '..', 'a/b', 'a b', '%', '%2f',
    ':.c:x', ':.__proto__:x', ':*:', '::', ':.:', 'x'.repeat(5000), '\ud83d\ude00', '\ud800'.toWellFormed(), '{"keytype":"SCHEMA"}']
  for (const [i, name] of names.entries()) {
    const path = `/subjects/${encodeURIComponent(name)}`
    const answer = await register(name, 'AVRO', record('{"name":"f","type":"int"}', `N${i}`))
    t.ok(answer.status < 500, `${shown(name)}: ${answer.status} ${shown(answer.body)}`)
    if (answer.status !== 200) continue
    const found = await ask('GET', `${path}/versions/1`)
    t.equal(found.status, 200, shown(name))
    t.match(JSON.parse(found.body), { version: 1, id: (JSON.parse(answer.body) as { id: number }).id })
    t.equal((await ask('DELETE', path)).status, 200)
  }
  // eslint-disable-next-line no-template-curly-in-string
  for (const inner of ['__proto__', 'constructor', 'a"b', 'x\u2028', 'a;process.exit()', '"}};process.exit();//', '${process.exit()}', '`']) {
    const quoted = JSON.stringify(inner)
    t.match(await register('inner', 'AVRO', record(`{"name":${quoted},"type":"int"}`)), { body: /./ }, shown(inner))
    const topic = `inner-${Buffer.from(inner).toString('hex')}`
    const schema = `{"properties":{${quoted}:{"type":"string","const":${quoted}}},"required":[${quoted}]}`
    t.match(await register(`${topic}-value`, 'JSON', schema), taken)
    const answer = await ask('POST', `/topics/${topic}`, `{${quoted}:${quoted}}`)
    t.match(answer, { status: 201 }, `${shown(inner)}: ${shown(answer.body)}`)
    t.match(await ask('POST', `/topics/${topic}`, '{}'), { status: 422 }, shown(inner))
  }
  const paths = ['/subjects/bomb/versions?normalize=true', '/compatibility/subjects/bomb/versions/latest', '/config']
  for (const [name, body] of Object.entries({
    'deep body': nested(1_000_000, '[', '', ']'),
    'deep schema': `{"schema":${JSON.stringify(nested(300_000, '{"type":', '"int"', '}'))}}`,
    'deep rules': `{"schema":"\\"int\\"","ruleSet":${nested(200_000, '{"domainRules":[', '', ']}')}}`,
    'deep metadata': `{"schema":"\\"int\\"","metadata":{"properties":${nested(200_000, '{"a":', '1', '}')}}}`,
    'long body': `{"schema":"${'x'.repeat(20_000_000)}"}`,
    'many keys': `{${many(500_000, i => `"k${i}":0`)}}`,
    'many brackets': `{"schema":"\\"int\\"","x":[${many(4_000_000, () => '[]')}]}`,
    'many references': `{"schema":"\\"int\\"","references":[${many(200_000, () => '{"name":"a","subject":"a","version":1}')}]}`,
    'many properties': `{"schema":"\\"int\\"","metadata":{"properties":{${many(100_000, i => `"k${i}":"v"`)}}}}`,
    'many tags': `{"schema":"\\"int\\"","metadata":{"tags":{${many(100_000, i => `"k${i}":["a","b"]`)}}}}`,
    'a prototype': '{"schema":"\\"int\\"","__proto__":{"x":1}}'
  })) {
    for (const path of paths) {
      const answer = await measured(`${name} to ${path}`, () => ask(path === '/config' ? 'PUT' : 'POST', path, body))
      t.ok(answer.status < 500, `${name}: ${answer.status} ${answer.body.slice(0, 200)}`)
    }
  }
  await unhurt(t, house)
})

t.test('subjects, versions and rules without end', async t => {
  const { measured, register, ask } = house
  await measured('2,000 subjects', async () => {
    for (let i = 0; i < 2000; i += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, n) => register(`${'s'.repeat(200)}${i + n}`, 'AVRO', '"int"')))
    }
  })
  await measured('all subjects', () => ask('GET', '/subjects'))
  await measured('all schemas', () => ask('GET', '/schemas'))

  // Each of them is compared with all that came before it, and its own text is large.
  await ask('PUT', '/config/walk', { compatibility: 'FULL_TRANSITIVE' })
  for (let i = 0; i < VERSIONS; i++) {
    const text = record(many(4900, n => `{"name":"f${n}","type":"int","default":0,"doc":"${i}"}`))
    const answer = await measured(`version ${i}, compared with all`, () => register('walk', 'AVRO', text))
    if (answer.status !== 200) t.fail(answer.body)
  }
  await measured('compared with all', () =>
    ask('POST', '/compatibility/subjects/walk/versions', { schema: record(many(4900, n => `{"name":"f${n}","type":"int","default":0}`)) }))
  await measured('looked for among all', () => ask('POST', '/subjects/walk', { schema: record(many(4900, n => `{"name":"f${n}","type":"int","default":1}`)) }))

  const rule = (expr: string, i: number | string = 0): object => ({ name: `r${i}`, kind: 'CONDITION', type: 'CEL', mode: 'WRITEREAD', expr })
  const list = '{"type":"record","name":"L","fields":[{"name":"f","type":{"type":"array","items":"long"}},{"name":"s","type":"string","default":""}]}'
  const loops = (depth: number): string => `${many(depth, i => `message.f.all(x${i}, `, '')}x0 > 0${')'.repeat(depth)}`
  const rules = [loops(1), loops(2), loops(3), loops(20), '('.repeat(2000) + '1' + ')'.repeat(2000), `${'1+'.repeat(2000)}1 == 1`,
    'message.s.matches("(a+)+$")', 'message.s.matches("((a{1,100}){1,100}){1,100}")', many(100, () => 'message.s + message.s', ' + ') + ' != ""',
    `message.s.contains("${'a'.repeat(3000)}")`, '!'.repeat(3000) + 'true', `[${many(1500, () => '1')}].all(x, x > 0)`, 'x'.repeat(5000),
    'message.f.map(a, message.f.map(b, message.f)).size() > 0']
  for (const [i, expr] of rules.entries()) {
    const answer = await measured(`rule ${expr.slice(0, 30)}`, () => register(`rule${i}-value`, 'AVRO', list, { ruleSet: { domainRules: [rule(expr)] } }))
    t.ok([200, 422].includes(answer.status), `${expr.slice(0, 50)}: ${answer.status} ${answer.body.slice(0, 200)}`)
    if (answer.status !== 200) continue
    for (const size of [10, 1000, 100_000]) {
      const told = await measured(`rule ${expr.slice(0, 30)} of ${size}`, () =>
        ask('POST', `/topics/rule${i}`, { f: new Array<number>(size).fill(1), s: `${'a'.repeat(size * 10)}!` }))
      t.ok([201, 413, 422].includes(told.status), `${expr.slice(0, 50)}: ${told.status} ${told.body.slice(0, 200)}`)
    }
  }
  const hundred = Array.from({ length: 101 }, (_, i) => rule('true', i))
  t.match(await register('rules', 'AVRO', list, { ruleSet: { domainRules: hundred } }), refused(/100 rules at most/))
  await unhurt(t, house)
})
