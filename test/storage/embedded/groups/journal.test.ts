/**
 * What was appended takes effect in the order in which it was appended, whenever the log says that it is durable.
 */
import t from 'tap'
import { KafkaError } from '../../../../protocol/errors.ts'
import { Journal } from '../../../../storage/embedded/groups/journal.ts'
import { settle } from './world.ts'

function setup (): { journal: Journal, pending: PromiseWithResolvers<void>[], applied: string[], append: (name: string) => Promise<void> } {
  const pending: PromiseWithResolvers<void>[] = []
  const applied: string[] = []
  const journal = new Journal({
    append: async () => {
      const one = Promise.withResolvers<void>()
      pending.push(one)
      await one.promise
    }
  })
  const append = async (name: string): Promise<void> => await journal.append([], () => { applied.push(name) })
  return { journal, pending, applied, append }
}

t.test('the first appended is the first applied, even if it is the last to be durable', async t => {
  const { pending, applied, append } = setup()
  const turns = [append('first'), append('second'), append('third')]
  pending[2]!.resolve()
  pending[1]!.resolve()
  await settle()
  t.same(applied, [])
  pending[0]!.resolve()
  await Promise.all(turns)
  t.same(applied, ['first', 'second', 'third'])
})

t.test('one that fails is not applied, and does not hold up those behind it', async t => {
  const { pending, applied, append } = setup()
  const [first, second] = [append('first'), append('second')]
  pending[1]!.resolve()
  pending[0]!.reject(new KafkaError('KAFKA_STORAGE_ERROR'))
  await t.rejects(first, { code: 'KAFKA_STORAGE_ERROR' })
  await second
  t.same(applied, ['second'])
})

t.test('settled waits for what was appended before, whatever becomes of it', async t => {
  const { journal, pending, applied, append } = setup()
  await journal.settled()
  const [first, second] = [append('first'), append('second')]
  let isSettled = false
  const settled = journal.settled().then(() => { isSettled = true })
  pending[0]!.resolve()
  await first
  await settle()
  t.notOk(isSettled)
  pending[1]!.reject(new KafkaError('KAFKA_STORAGE_ERROR'))
  await t.rejects(second)
  await settled
  t.same(applied, ['first'])
})
