/**
 * One schema, every door: what is appended and what is refused, and in which words, is the same whether a record comes over the
 * Kafka protocol, plain HTTP, REST v2 and v3 or a WebSocket, as the bytes of its format or as JSON. Every cell of the table is
 * tried; with foreign clients in test/interop/schema-doors.test.ts.
 */
import t, { type Test } from 'tap'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { errors } from '../../protocol/errors.ts'
import { createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { logOptions } from '../support/log-choice.ts'
import { doors, produceBatches, type Door, type Fate, type Part, type Sent } from './schema-doors.ts'
import { SchemaHouse } from './schema-house.ts'
import { absent, bytesOf, caseNames, formats, keys, keySchema, UNKNOWN_ID, type CaseName, type Cell, type FormatTable, type Ids } from './schema-table.ts'

const folder = mkdtempSync(join(tmpdir(), 'barnabas-schemas-'))
const config = loadConfig([...await logOptions(folder), '--kafka', '127.0.0.1:0', '--http', '127.0.0.1:0', '--shutdown-grace', '0'], {})
const app = await createApp(config, pino({ level: 'silent' }))
const house = await SchemaHouse.open(`http://127.0.0.1:${app.http.port}`, app.kafka[0]!.port)
t.teardown(async () => {
  house.native.destroy()
  await app.stop()
  rmSync(folder, { recursive: true, force: true })
})

const { AVRO } = formats
const allDoors = Object.entries(doors)
let topics = 0

interface Topic {
  readonly topic: string
  readonly ids: Ids
}

/** A topic of its own. The schema is a version of its subject. */
async function topicOf (format: FormatTable, validation: object, { partitions = 1, subject = (topic: string) => `${topic}-value` } = {}): Promise<Topic> {
  const topic = `orders-${++topics}`
  await house.createTopic(topic, validation, partitions)
  const ids = {
    subject: subject(topic),
    own: await house.register(subject(topic), format.type, format.schema),
    other: await house.register(`elsewhere-${format.type}`, format.type, format.otherSchema)
  }
  return { topic, ids }
}

function sentOf (format: FormatTable, what: CaseName, ids: Ids): Sent {
  const cell = format.cells[what]
  return { value: { bytes: bytesOf(format, cell, ids), json: cell.json, schema: schemaOf(cell, ids) } }
}

function schemaOf ({ names }: Cell, { other }: Ids): Part['schema'] {
  if (names === 'own') return 'latest'
  if (names === 'none') return 'none'
  return names === 'other' ? other : UNKNOWN_ID
}

/** What a door is to say of a record that is refused. */
function sentence (name: string, { fault }: Cell, ids: Ids): string {
  const { form } = doors[name]!
  return form === 'json' && fault!.rest !== undefined ? fault!.rest : fault![form](ids)
}

// ---- cell by cell

let cells = 0

for (const [name, door] of allDoors) {
  for (const format of Object.values(formats)) {
    t.test(`${name}: ${format.type}`, async t => {
      const { topic, ids } = await topicOf(format, { value: 'payload' })
      const counted: Record<string, number> = {}
      for (const what of caseNames.filter(what => absent[name]?.[what] === undefined)) {
        const cell = format.cells[what]
        const place = `${name} · ${format.type} · ${what}`
        const before = await house.end(topic)
        const [fate] = await door.send(house, topic, format.type, [sentOf(format, what, ids)])
        const isAccepted = cell.fault === null
        t.same(fate, isAccepted ? { offset: before } : { refused: sentence(name, cell, ids) }, place)
        t.equal(await house.end(topic), isAccepted ? before + 1 : before, `${place}: what is there`)
        if (isAccepted) {
          t.same((await house.stored(topic)).at(-1)!.value, bytesOf(format, cell, ids), `${place}: the bytes`)
          t.equal(await house.json(topic, before), cell.json ?? 'null', `${place}: the JSON`)
        } else if (door.form === 'bytes' || cell.fault!.rest === undefined) {
          const key = `rejected ${cell.fault!.reason}`
          counted[key] = (counted[key] ?? 0) + 1
        }
        cells++
      }
      t.same(await house.faults(topic), counted, 'each is counted under its reason')
    })
  }
}

t.test('every cell was tried', async t => {
  const missing = Object.values(absent).flatMap(ofDoor => Object.keys(ofDoor)).length
  t.equal(cells, (allDoors.length * caseNames.length - missing) * Object.keys(formats).length)
  t.comment(`${cells} cells`)
})

// ---- one bad record of three

const good = 'valid'
const bad = 'wrong type'

for (const [name, door] of allDoors.filter(([, { together }]) => together !== 'none')) {
  t.test(`${name}: one bad record of three`, async t => {
    for (const format of Object.values(formats)) {
      const { topic, ids } = await topicOf(format, { value: 'payload' })
      const [refused, bytes] = [sentence(name, format.cells[bad], ids), bytesOf(format, format.cells[good], ids)]
      const fates = await door.send(house, topic, format.type, ([good, bad, good] as const).map(what => sentOf(format, what, ids)))
      const expected: Record<Door['together'], readonly Fate[]> = {
        batch: [{ refused: 'another record of its batch was refused' }, { refused }, { refused: 'another record of its batch was refused' }],
        each: [{ offset: 0 }, { refused }, { offset: 1 }],
        until: [{ offset: 0 }, { refused }, { refused: 'a line before it was refused' }],
        none: []
      }
      t.same(fates, expected[door.together], `${name} · ${format.type}`)
      const stored = fates.filter(fate => 'offset' in fate).map(() => bytes)
      t.same((await house.stored(topic)).map(({ value }) => value), stored, `${name} · ${format.type}: what is there`)
    }
  })
}

t.test('natively the batch of a bad record fails, and the other partitions of the request do not', async t => {
  for (const format of Object.values(formats)) {
    const { topic, ids } = await topicOf(format, { value: 'payload' }, { partitions: 3 })
    const sent = (...cases: readonly CaseName[]): Sent[] => cases.map(what => sentOf(format, what, ids))
    const answers = await produceBatches(house, topic, [sent(good, good), sent(good, bad, good, 'no id'), sent('tombstone')])
    const says = [bad, 'no id'] as const
    t.match(answers, [
      { index: 0, errorCode: errors.NONE, baseOffset: 0 },
      {
        index: 1,
        errorCode: errors.INVALID_RECORD,
        errorMessage: `2 of 4 records were refused: ${format.cells[bad].fault!.bytes(ids)}`,
        recordErrors: says.map((what, i) => ({ batchIndex: 1 + 2 * i, batchIndexErrorMessage: format.cells[what].fault!.bytes(ids) }))
      },
      { index: 2, errorCode: errors.NONE, baseOffset: 0 }
    ], format.type)
    t.same(await Promise.all([0, 1, 2].map(partition => house.end(topic, partition))), [2, 0, 1], `${format.type}: what is there`)
  }
})

// ---- what becomes of what does not pass

const NO_BYTES = 'a door of JSON has no bytes to let in or to keep'

for (const [name, door] of allDoors) {
  t.test(`${name}: shadow`, async t => {
    for (const format of Object.values(formats)) {
      const { topic, ids } = await topicOf(format, { value: 'payload', action: 'shadow' })
      const [fate] = await door.send(house, topic, format.type, [sentOf(format, bad, ids)])
      if (door.form === 'json') {
        t.same(fate, { refused: sentence(name, format.cells[bad], ids) }, `${format.type}: ${NO_BYTES}`)
        t.same(await house.faults(topic), { 'rejected payload': 1 })
        continue
      }
      t.same(fate, { offset: 0 }, format.type)
      t.same((await house.stored(topic)).map(({ value }) => value), [bytesOf(format, format.cells[bad], ids)])
      t.same(await house.faults(topic), { 'let-in payload': 1 })
    }
  })

  t.test(`${name}: dead-letter`, async t => {
    for (const format of Object.values(formats)) {
      const deadLetterTopic = `kept-${topics + 1}`
      await house.createTopic(deadLetterTopic, {})
      const { topic, ids } = await topicOf(format, { value: 'payload', action: 'dead-letter', deadLetterTopic })
      const cases = door.together === 'none' ? [bad] as const : [good, bad, good] as const
      const fates = await door.send(house, topic, format.type, cases.map(what => sentOf(format, what, ids)))
      const fate = fates[cases.length >> 1]!
      const says = sentence(name, format.cells[bad], ids)
      if (door.form === 'json') {
        t.same(fate, { refused: says }, `${format.type}: ${NO_BYTES}`)
        t.equal(await house.end(deadLetterTopic), 0)
        continue
      }
      // Who does not count its records hears of a success, and no offsets.
      t.same(fate, name === 'native' ? { offset: 0 } : { refused: `${says} It is kept in the topic ${deadLetterTopic}.` }, format.type)
      t.same((await house.stored(topic)).map(({ value }) => value), cases.filter(what => what === good).map(what => bytesOf(format, format.cells[what], ids)))
      const [kept] = await house.stored(deadLetterTopic)
      t.same(kept!.value, bytesOf(format, format.cells[bad], ids))
      const headers = Object.fromEntries(kept!.headers.map(({ key, value }) => [key.replace('__barnabas.dlq.', ''), value!.toString()]))
      t.match(headers, { topic, partition: '0', part: 'value', class: 'payload', path: 'ok', reason: says })
      t.same(await house.faults(topic), { 'dead-lettered payload': 1 })
    }
  })

  if (absent[name]?.tombstone === undefined) {
    t.test(`${name}: a topic that wants no tombstones`, async t => {
      const { topic, ids } = await topicOf(AVRO, { value: 'payload', tombstones: false })
      const [fate] = await door.send(house, topic, 'AVRO', [sentOf(AVRO, 'tombstone', ids)])
      t.same(fate, { refused: 'The record has no value, and the topic refuses those (barnabas.validation.tombstones=refuse).' })
      t.same([await house.end(topic), await house.faults(topic)], [0, { 'rejected tombstone': 1 }])
    })
  }

  t.test(`${name}: keys`, async t => await checkKeys(t, door))
  t.test(`${name}: subjects by the name of the record`, async t => await checkStrategies(t, name, door))
}

t.test('acks=0: dropped and counted, and the connection stays', async t => {
  const { topic, ids } = await topicOf(AVRO, { value: 'payload' })
  for (const what of caseNames) await produceBatches(house, topic, [[sentOf(AVRO, what, ids)]], 0)
  await produceBatches(house, topic, [[sentOf(AVRO, good, ids)]], -1)
  t.same((await house.stored(topic)).map(({ value }) => value), ([good, 'tombstone', good] as const).map(what => bytesOf(AVRO, AVRO.cells[what], ids)))
  t.same(await house.faults(topic), { 'rejected payload': 3, 'rejected unknown-id': 1, 'rejected wrong-subject': 1, 'rejected no-id': 1 })
})

// ---- keys, and the other strategies

async function checkKeys (t: Test, door: Door): Promise<void> {
  const { topic, ids: valueIds } = await topicOf(AVRO, { value: 'payload', key: 'payload' })
  const ids = { ...valueIds, subject: `${topic}-key`, own: await house.register(`${topic}-key`, 'AVRO', keySchema) }
  for (const [what, { payload, json, fault }] of Object.entries(keys)) {
    const before = await house.end(topic)
    const bytes = bytesOf(AVRO, { names: 'own', payload, json, fault: null }, ids)
    const [fate] = await door.send(house, topic, 'AVRO', [{ ...sentOf(AVRO, good, valueIds), key: { bytes, json, schema: 'latest' } }])
    // In an address a key is text, and the gateway makes bytes of it at every door of plain HTTP.
    const form = door === doors['plain bytes'] ? 'json' : door.form
    t.same(fate, fault === null ? { offset: before } : { refused: fault[form](ids) }, what)
    t.equal(await house.end(topic), fault === null ? before + 1 : before)
    if (fault === null) t.same([(await house.stored(topic)).at(-1)!.key, await house.json(topic, before, 'key')], [bytes, json])
  }
  t.same(await house.faults(topic), { 'rejected payload': 1 })
}

const strategies: Readonly<Record<string, (topic: string) => string>> = { RecordName: () => 'shop.Order', TopicRecordName: topic => `${topic}-shop.Order` }

/** Which doors of JSON can say which record it is; the others have no schema then, and what they write is plain text. */
const BY_REQUEST = new Set(['v2 schema', 'v3 schema'])

async function checkStrategies (t: Test, name: string, door: Door): Promise<void> {
  for (const [strategy, subject] of Object.entries(strategies)) {
    const { topic, ids } = await topicOf(AVRO, { value: 'payload', strategy }, { subject })
    const send = async (what: CaseName): Promise<Fate> => {
      const { value } = sentOf(AVRO, what, ids)
      const [fate] = await door.send(house, topic, 'AVRO', [{ value: value.schema === 'latest' ? { ...value, schema: ids.own } : value }])
      return fate!
    }
    if (door.form === 'json' && !BY_REQUEST.has(name)) {
      t.same(await send(good), { refused: AVRO.cells['no id'].fault!.json(ids) }, `${strategy}: nothing says which record it is`)
      continue
    }
    t.same(await send(good), { offset: 0 }, strategy)
    t.equal(await house.json(topic, 0), AVRO.cells[good].json)
    t.same(await send(bad), { refused: sentence(name, AVRO.cells[bad], ids) }, `${strategy} · ${bad}`)
    // Each record is asked for under a name of its own: that of the other one is no subject.
    const otherIds = { ...ids, subject: ids.subject.replace('Order', 'Other') }
    t.same(await send('wrong subject'), { refused: sentence(name, AVRO.cells['wrong subject'], otherIds) }, `${strategy} · wrong subject`)
    t.equal(await house.end(topic), 1)
  }
}
