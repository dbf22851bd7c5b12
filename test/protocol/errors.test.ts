import t from 'tap'
import { errorRow, errors, KafkaError } from '../../protocol/errors.ts'
import { readFixture } from './support/fixtures.ts'

interface ErrorFixture {
  readonly code: number
  readonly name: string
  readonly retriable: boolean
}

const kafkas = readFixture<ErrorFixture>('errors')

t.test('every error of Kafka has its row: code, name and whether to try again', async t => {
  for (const expected of kafkas) t.match(errorRow(expected.code), expected, expected.name)
})

t.test('there is none that Kafka does not have', async t => {
  t.strictSame(Object.keys(errors).sort(), kafkas.map(error => error.name).sort())
  for (const { code, name } of kafkas) t.equal(errors[name as keyof typeof errors], code, name)
})

t.test('every row has a sentence and an HTTP status that fits', async t => {
  const sentences = new Set<string>()
  for (const { code } of kafkas) {
    const { name, http, sentence } = errorRow(code)
    t.match(sentence, /^\w.*\.$/, name)
    t.notOk(sentences.has(sentence), `${name} says something of its own`)
    t.ok(code === 0 ? http === 200 : http >= 400 && http <= 599, `${name}: ${http}`)
    sentences.add(sentence)
  }
})

t.test('a code from the future reads as an unknown error', async t => {
  t.match(errorRow(32767), { code: -1, name: 'UNKNOWN_SERVER_ERROR' })
})

t.test('a KafkaError carries the name, the code and a sentence', async t => {
  const cause = new Error('why')
  t.match(new KafkaError('OFFSET_OUT_OF_RANGE'), { name: 'KafkaError', code: 'OFFSET_OUT_OF_RANGE', errorCode: 1, message: errorRow(1).sentence })
  t.match(new KafkaError('INVALID_RECORD', 'no', { cause }), { errorCode: 87, message: 'no', cause })
})
