/** Our Avro against Apache's own library: random schemas, pairs of them and values, and what both make of them. */
import { join } from 'node:path'
import t from 'tap'
import { AvroCodec } from '../../src/schemas/avro/codec.ts'
import { avro } from '../../src/schemas/avro/format.ts'
import { parseAvro } from '../../src/schemas/avro/parse.ts'
import { partsOf, type Type } from '../../src/schemas/avro/schema.ts'
import { parseExact } from '../../src/schemas/exact-json.ts'
import { SchemaError, type ParsedSchema } from '../../src/schemas/format.ts'
import { NoValue, Random } from '../src/schemas/avro/random.ts'
import { avroLibs } from './support/cache.ts'
import { linesOf } from './support/lines.ts'
import { succeed } from './support/run.ts'

const ORACLE = new URL('support/avro/AvroOracle.java', import.meta.url).pathname
const PAIRS = 5000
const SCHEMAS = 3000

interface Answer {
  readonly error?: string
  readonly canonical: string
  readonly resolved: string
  readonly found: readonly (readonly [type: string, path: string, message: string])[]
  readonly hex: string
  readonly json: string
}

async function ask (questions: readonly object[]): Promise<Answer[]> {
  const answers = await succeed('java', ['-Xmx512m', '-Dfile.encoding=UTF-8', '-cp', join(await avroLibs(), '*'), ORACLE], {
    input: questions.map(question => JSON.stringify(question)).join('\n') + '\n', timeoutMs: 300_000
  })
  return linesOf(answers).map(line => JSON.parse(line) as Answer)
}

function parsed (text: string, ...references: readonly string[]): ParsedSchema | null {
  try {
    return avro.parse({ text, references: references.map((text, i) => ({ name: `r${i}`, text })) })
  } catch (error) {
    if (error instanceof SchemaError) return null
    throw error
  }
}

/**
 * Avro 1.12 does not find a type without a namespace from within one, in a namespace, that it contains: not even in what it has
 * printed itself. Avro 1.11 does, and so do we.
 */
const isForgotten = (error: string | undefined): boolean => error?.includes('Undefined schema') === true

function valueOf (type: Type, seed: number): string | null {
  try {
    return new Random(seed).value(type)
  } catch (error) {
    if (error instanceof NoValue) return null
    throw error
  }
}

function containsItself (type: Type, within: ReadonlySet<Type> = new Set()): boolean {
  return within.has(type) || partsOf(type).some(part => containsItself(part, new Set([...within, type])))
}

/** By what they are in JSON: 1.0 is 1, and the digits of a long stay. Of an empty record Java writes nothing. */
const sameJson = (a: string, b: string): boolean => b === '' || plainJson(a) === plainJson(b)
const plainJson = (text: string): string => JSON.stringify(JSON.parse(text, (_, value: unknown, context?: { source?: string }) =>
  typeof value !== 'number' ? value : /^-?\d+$/.test(context!.source!) && value !== 0 ? context!.source : String(value)))

/** Random schemas, one in two of them changed until it may be none. */
function schemas (count: number, seed: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const random = new Random(seed + i)
    const schema = random.schema()
    return JSON.stringify(i % 2 === 0 ? schema : random.relative(schema), null, i % 3)
  })
}

t.test('the same texts are schemas, and print as the same text', async t => {
  const texts = schemas(SCHEMAS, 1_000_000)
  const answers = await ask(texts.map(schema => ({ ask: 'schema', schema })))
  let refused = 0
  texts.forEach((schema, i) => {
    const ours = parsed(schema)
    const { error, canonical } = answers[i]!
    if (error !== undefined) refused++
    if (ours !== null && isForgotten(error)) return
    const text = ours?.canonical(false)
    if (ours === null ? error === undefined : text !== canonical) t.match({ schema, ours: text ?? 'refused' }, { ours: canonical ?? error })
    if (ours !== null && parsed(ours.canonical(true))?.canonical(true) !== ours.canonical(true)) t.fail('normalised once is not normalised', { schema })
  })
  t.ok(refused > 50 && refused < SCHEMAS / 2, `${refused} of ${SCHEMAS} are no schemas`)
})

t.test('types of references are not written again, unless all is to be resolved', async t => {
  const fields = [{ name: 'a', type: 'org.ref.R' }, { name: 'b', type: ['null', 'org.ref.R'] }]
  const questions = schemas(600, 2_000_000).map((text, i) => ({
    ask: 'schema',
    schema: JSON.stringify({ type: 'record', name: 'Main', namespace: 'm', fields }),
    references: [JSON.stringify({ type: 'record', name: 'R', namespace: 'org.ref', fields: [{ name: 'x', type: JSON.parse(text) as unknown }] }, null, i % 2)]
  }))
  const answers = await ask(questions)
  let compared = 0
  questions.forEach(({ schema, references }, i) => {
    const ours = parsed(schema, ...references)
    if (ours === null && answers[i]!.error === undefined) t.fail('refused by us alone', { text: references[0] })
    if (ours === null) return
    if (isForgotten(answers[i]!.error)) return
    compared++
    if (ours.canonical(false) !== answers[i]!.canonical) t.equal(ours.canonical(false), answers[i]!.canonical)
    if (ours.formatted('resolved') !== answers[i]!.resolved) t.equal(ours.formatted('resolved'), answers[i]!.resolved)
  })
  t.ok(compared > 300, `${compared} compared`)
})

t.test(`${PAIRS} pairs of schemas: the same verdict, the same incompatibilities at the same places`, async t => {
  const pairs: { readonly reader: string, readonly writer: string }[] = []
  // Some more than are asked for: a few will not be compared.
  for (let seed = 3_000_000; pairs.length < PAIRS * 1.03; seed++) {
    const random = new Random(seed)
    const schema = random.schema()
    const other = random.chance(20) ? random.schema() : random.relative(schema)
    const [reader, writer] = (random.chance(2) ? [schema, other] : [other, schema]).map(one => JSON.stringify(one)) as [string, string]
    if (parsed(reader) !== null && parsed(writer) !== null) pairs.push({ reader, writer })
  }
  const answers = await ask(pairs.map(pair => ({ ask: 'pair', ...pair })))
  let compatible = 0
  let forgotten = 0
  const kinds = new Map<string, number>()
  pairs.forEach(({ reader, writer }, i) => {
    const { error, found } = answers[i]!
    if (isForgotten(error)) forgotten++
    if (isForgotten(error)) return
    let ours: Set<string> | null = null
    try {
      ours = new Set(parsed(reader)!.incompatibilities(parsed(writer)!, 'STRICT').map(({ type, path, additionalInfo }) => `${type} ${path} ${additionalInfo}`))
    } catch (failure) {
      if (!(failure instanceof SchemaError)) throw failure
    }
    const theirs = error === undefined ? new Set(found.map(one => one.join(' '))) : null
    if (theirs?.size === 0) compatible++
    for (const [type] of found ?? []) kinds.set(type, (kinds.get(type) ?? 0) + 1)
    const differs = ours === null || theirs === null ? ours !== theirs : ours.symmetricDifference(theirs).size > 0
    if (differs) t.strictSame(ours && [...ours].sort(), theirs && [...theirs].sort(), { reader, writer })
  })
  t.equal(kinds.size, 6, `all types of incompatibility: ${JSON.stringify([...kinds])}`)
  t.ok(pairs.length - forgotten >= PAIRS, `${pairs.length - forgotten} pairs compared; of ${forgotten} Java forgets a name`)
  t.ok(compatible > PAIRS / 10 && compatible < PAIRS * 0.9, `${compatible} of ${PAIRS} are compatible`)
})

t.test('values from JSON: the same bytes, and the same JSON back', async t => {
  const questions = schemas(SCHEMAS, 4_000_000).flatMap((schema, i) => {
    if (parsed(schema) === null) return []
    const { root } = parseAvro({ text: schema, references: [] }, false)
    const codec = new AvroCodec(root)
    const json = valueOf(root, i)
    if (json === null) return []
    const payload = codec.fromJson(parseExact(json), undefined, true)
    if (codec.check(payload) !== null) t.equal(codec.check(payload), null)
    const back = codec.fromJson(parseExact(codec.toJson(payload, true)), undefined, true)
    if (!back.bytes.equals(payload.bytes)) t.strictSame(back.bytes.toString('hex'), payload.bytes.toString('hex'), schema)
    return [{ ask: 'value', schema, json, hex: payload.bytes.toString('hex'), tagged: codec.toJson(payload, true) }]
  })
  const answers = await ask(questions)
  questions.forEach(({ schema, json, hex, tagged }, i) => {
    const answer = answers[i]!
    if (isForgotten(answer.error)) return
    if (answer.hex === hex && sameJson(tagged, answer.json)) return
    t.match({ schema, from: json, hex, tagged, error: answer.error }, { hex: answer.hex, tagged: answer.json, error: undefined })
  })
  t.ok(questions.length > SCHEMAS / 2, `${questions.length} values`)
})

t.test('values that Java makes up: read, and written again as the same bytes', async t => {
  // Of types that contain themselves it makes up values without end, and decimals of no bytes, which it could not read as decimals.
  const texts = schemas(SCHEMAS, 5_000_000).filter(text => parsed(text) !== null && !text.includes('decimal') &&
    !containsItself(parseAvro({ text, references: [] }, false).root))
  const answers = await ask(texts.map((schema, seed) => ({ ask: 'random', schema, seed })))
  let compared = 0
  texts.forEach((schema, i) => {
    const { hex, json, error } = answers[i]!
    // It has no symbol for an enum of none.
    if (error !== undefined) return
    compared++
    const codec = parsed(schema)!.codec
    const payload = { bytes: Buffer.from(hex, 'hex'), indexes: [] }
    const tagged = codec.toJson(payload, true)
    const again = codec.fromJson(parseExact(tagged), undefined, true).bytes.toString('hex')
    if (again !== hex || !sameJson(tagged, json)) t.match({ schema, tagged, again }, { tagged: json, again: hex })
  })
  t.ok(compared > texts.length * 0.8, `${compared} of ${texts.length} values`)
})
