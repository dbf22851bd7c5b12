import t from 'tap'
import fc from 'fast-check'
import { KafkaError } from '../../../protocol/errors.ts'
import { METADATA_TOPIC, OFFSETS_TOPIC, checkTopicName, isInternal } from '../../../storage/embedded/topic-names.ts'

/** What is said against a name; null where nothing is. */
function objection (name: string): string | null {
  try {
    checkTopicName(name)
    return null
  } catch (error) {
    if (error instanceof KafkaError && error.code === 'INVALID_TOPIC_EXCEPTION') return error.message
    throw error
  }
}

const ALLOWED = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-'

t.test('a name is 1 to 249 characters of those that Kafka allows, neither "." nor ".."', async () => {
  const character = fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...ALLOWED) }, { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 1 }) })
  const length = fc.oneof(fc.nat({ max: 4 }), fc.integer({ min: 247, max: 252 }))
  const names = length.chain(length => fc.array(character, { minLength: length, maxLength: length })).map(characters => characters.join(''))
  fc.assert(fc.property(names, name => {
    const isRight = name.length >= 1 && name.length <= 249 && [...name].every(one => ALLOWED.includes(one)) && name !== '.' && name !== '..'
    return (objection(name) === null) === isRight
  }), { numRuns: 500 })
})

t.test('no name leads out of the data folder, or to another file in it', async t => {
  for (const name of ['.', '..', '../a', 'a/b', '/a', 'a\\b', 'a\0b', 'a\n', '\na', 'a:b', 'a b', 'ä', '']) t.not(objection(name), null, JSON.stringify(name))
  for (const name of ['...', '.lock', '-', '_']) t.equal(objection(name), null, name)
})

t.test('the server\'s own name is not free, in whatever case', async t => {
  for (const name of [METADATA_TOPIC, METADATA_TOPIC.toUpperCase(), '__Barnabas_Metadata']) t.match(objection(name), 'is the server\'s own')
  for (const name of [`${METADATA_TOPIC}2`, METADATA_TOPIC.slice(1), OFFSETS_TOPIC]) t.equal(objection(name), null, name)
})

t.test('what is said repeats no more than the beginning of a name, and tells what would be right', async t => {
  const text = objection('x'.repeat(100_000))!
  t.ok(text.length < 200)
  t.match(text, /^"x{60}" is no topic name: 1 to 249 of .* are allowed/)
})

t.test('the topic of groups is internal, those of clients are not', async t => {
  t.equal(isInternal('__consumer_offsets'), true)
  for (const name of ['greetings', '__consumer_offsets2', '__Consumer_Offsets', '__transaction_state', '']) t.equal(isInternal(name), false, name)
})
