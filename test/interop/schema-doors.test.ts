/**
 * The table of schemas (test/doors/schema-table.ts) at the native door, by clients that nobody here wrote: Java's, librdkafka and
 * kafkajs.
 */
import t, { type Test } from 'tap'
import { SchemaHouse } from '../doors/schema-house.ts'
import { bytesOf, caseNames, formats, type CaseName, type FormatTable, type Ids } from '../doors/schema-table.ts'
import { againstKafka } from './support/against.ts'
import { topicName } from './support/lines.ts'
import { javaClient, kafkajsClient, rdkafkaClient, type BytesClient, type Outgoing } from './support/schema-clients.ts'
import { startServer } from './support/server.ts'

interface Client {
  readonly open: (t: Test, bootstrap: string) => Promise<BytesClient>
  /** How it says that a record was refused, and how that another one of its batch was: one other, or several. */
  readonly refused: (sentence: string) => string
  readonly other: string
  readonly others: string
  /** Whether it has one error for all partitions that are sent to together. */
  readonly hasOneError?: boolean
  /** With dead-letter: whether it hears of the bad records, as it counts them. */
  readonly counts: boolean
}

const JAVA_OTHER = 'KafkaException: Failed to append record because it was part of a batch which had one more more invalid records'
const java = { refused: (sentence: string): string => `InvalidRecordException: ${sentence}`, other: JAVA_OTHER, others: JAVA_OTHER }

/** librdkafka has the sentence (rd_kafka_message_produce_errstr), but does not give it to Python. */
const RDKAFKA_REFUSED = 'INVALID_RECORD: Broker: Broker failed to validate record'
const rdkafka = {
  refused: () => RDKAFKA_REFUSED,
  other: RDKAFKA_REFUSED,
  others: '_INVALID_DIFFERENT_RECORD: Local: an invalid record in the same batch caused the failure of this message too'
}

/** It speaks a version of Produce that names no records. */
const KAFKAJS_REFUSED = 'KafkaJSProtocolError INVALID_RECORD 87: This record has failed the validation on broker and hence be rejected'

const clients: Readonly<Record<string, Client>> = {
  'Java, idempotent': { ...java, open: javaClient, counts: true },
  'Java, not idempotent': { ...java, open: (t, bootstrap) => javaClient(t, bootstrap, { 'enable.idempotence': 'false' }), counts: false },
  'librdkafka, idempotent': { ...rdkafka, open: (t, bootstrap) => rdkafkaClient(t, bootstrap, { 'enable.idempotence': true }), counts: true },
  'librdkafka, not idempotent': { ...rdkafka, open: (t, bootstrap) => rdkafkaClient(t, bootstrap, { 'enable.idempotence': false }), counts: false },
  kafkajs: {
    refused: () => KAFKAJS_REFUSED,
    other: KAFKAJS_REFUSED,
    others: KAFKAJS_REFUSED,
    hasOneError: true,
    open: kafkajsClient,
    counts: false
  }
}

async function topicOf (house: SchemaHouse, format: FormatTable, validation: object, partitions = 1): Promise<{ readonly topic: string, readonly ids: Ids }> {
  const topic = topicName('orders')
  const subject = `${topic}-value`
  await house.createTopic(topic, validation, partitions)
  const own = await house.register(subject, format.type, format.schema)
  return { topic, ids: { own, subject, other: await house.register(`elsewhere-${format.type}`, format.type, format.otherSchema) } }
}

const good = 'valid'
const bad = 'wrong type'
let cells = 0

if (againstKafka) t.plan(0, 'a Kafka broker has no schemas')
else await everyCell()

async function everyCell (): Promise<void> {
  const server = await startServer(t)
  const house = await SchemaHouse.open(server.http, Number(server.kafka.split(':')[1]))
  t.teardown(() => house.native.destroy())
  for (const [name, client] of Object.entries(clients)) {
    t.test(name, async t => {
      const opened = await client.open(t, server.kafka)
      for (const format of Object.values(formats)) {
        const place = { house, client: opened, format }
        await t.test(`${format.type}, cell by cell`, async t => await cellByCell(t, place, `${name} · ${format.type}`, client))
        await t.test(`${format.type}, one bad record of three`, async t => await oneOfThree(t, place, client))
        await t.test(`${format.type}, shadow and dead-letter`, async t => await otherActions(t, place, client))
      }
    })
  }
  t.test('every cell was tried', async t => {
    t.equal(cells, Object.keys(clients).length * Object.keys(formats).length * caseNames.length)
    t.comment(`${cells} cells`)
  })
}

interface Place {
  readonly house: SchemaHouse
  readonly client: BytesClient
  readonly format: FormatTable
}

async function cellByCell (t: Test, { house, client, format }: Place, row: string, { refused }: Client): Promise<void> {
  const { topic, ids } = await topicOf(house, format, { value: 'payload' })
  const counted: Record<string, number> = {}
  const accepted: (Buffer | null)[] = []
  for (const what of caseNames) {
    const { fault, json } = format.cells[what]
    const value = bytesOf(format, format.cells[what], ids)
    const [fate] = await client.produce(topic, [{ partition: 0, value }])
    if (fault === null) {
      t.same(fate, { offset: accepted.length }, `${row} · ${what}`)
      t.equal(await house.json(topic, accepted.length), json ?? 'null', `${row} · ${what}: the JSON`)
      accepted.push(value)
    } else {
      t.same(fate, { error: refused(fault.bytes(ids)) }, `${row} · ${what}`)
      counted[`rejected ${fault.reason}`] = (counted[`rejected ${fault.reason}`] ?? 0) + 1
    }
    t.equal(await house.end(topic), accepted.length, `${row} · ${what}: what is there`)
    cells++
  }
  t.same(await client.consume(topic, accepted.length), accepted, `${row}: the bytes`)
  t.same(await house.faults(topic), counted, `${row}: each is counted under its reason`)
}

const outgoing = (format: FormatTable, ids: Ids, partition: number, cases: readonly CaseName[]): Outgoing[] =>
  cases.map(what => ({ partition, value: bytesOf(format, format.cells[what], ids) }))

async function oneOfThree (t: Test, { house, client, format }: Place, { refused, other, others, hasOneError = false }: Client): Promise<void> {
  const { topic, ids } = await topicOf(house, format, { value: 'payload' }, 2)
  const fates = await client.produce(topic, [...outgoing(format, ids, 0, [good, bad, good]), ...outgoing(format, ids, 1, [good, good])])
  const says = refused(format.cells[bad].fault!.bytes(ids))
  t.same(fates.slice(0, 3), [{ error: other }, { error: says }, { error: other }], 'the batch fails, and the bad record says why')
  t.same(fates.slice(3), hasOneError ? [{ error: other }, { error: other }] : [{ offset: 0 }, { offset: 1 }])
  t.same([await house.end(topic, 0), await house.end(topic, 1)], [0, 2], 'the other partition of the request is appended')

  const two = await client.produce(topic, outgoing(format, ids, 0, [good, bad, good, 'no id']))
  const second = refused(format.cells['no id'].fault!.bytes(ids))
  t.same(two, [{ error: others }, { error: says }, { error: others }, { error: second }], 'each bad record has its own reason')
}

async function otherActions (t: Test, { house, client, format }: Place, { refused, other, counts }: Client): Promise<void> {
  const shadow = await topicOf(house, format, { value: 'payload', action: 'shadow' })
  const cases = [good, bad, good] as const
  t.same(await client.produce(shadow.topic, outgoing(format, shadow.ids, 0, cases)), [{ offset: 0 }, { offset: 1 }, { offset: 2 }], 'shadow lets all in')
  t.same(await house.faults(shadow.topic), { 'let-in payload': 1 }, 'and counts')

  const deadLetterTopic = topicName('kept')
  await house.createTopic(deadLetterTopic, {})
  const { topic, ids } = await topicOf(house, format, { value: 'payload', action: 'dead-letter', deadLetterTopic })
  const fates = await client.produce(topic, outgoing(format, ids, 0, cases))
  const reason = format.cells[bad].fault!.bytes(ids)
  if (counts) {
    const says = refused(`${reason} It is kept in the topic ${deadLetterTopic}.`)
    t.same(fates, [{ error: other }, { error: says }, { error: other }], 'who counts its records hears of it')
  } else {
    t.ok(fates.every(fate => 'offset' in fate), 'who does not hears nothing')
  }
  t.equal(await house.end(topic), counts ? 0 : 2)
  const [kept] = await house.stored(deadLetterTopic)
  t.same(kept!.value, bytesOf(format, format.cells[bad], ids))
  const headers = Object.fromEntries(kept!.headers.map(({ key, value }) => [key, value!.toString()]))
  t.match(headers, { '__barnabas.dlq.topic': topic, '__barnabas.dlq.class': 'payload', '__barnabas.dlq.path': 'ok', '__barnabas.dlq.reason': reason })
  t.same(await house.faults(topic), { 'dead-lettered payload': 1 })
}
