import t from 'tap'
import { RecordBatch } from '../../../protocol/batch.ts'
import { KafkaError } from '../../../protocol/errors.ts'
import { Producers } from '../../../storage/embedded/producers.ts'
import { batchOf, seeded } from '../../support/batches.ts'

const ID = 7
const NEVER_TAKEN_BACK = Infinity

interface Shape { readonly producerId?: number, readonly epoch?: number, readonly sequence: number, readonly count?: number, readonly offset?: number }

function shaped ({ producerId = ID, epoch = 0, sequence, count = 1, offset = 0 }: Shape): RecordBatch {
  const batch = batchOf(Array.from({ length: count }, () => ''), { producerId, producerEpoch: epoch, baseSequence: sequence })
  batch.stamp(offset, 0)
  return batch
}

/** What `check` says: the offset of the batch that is repeated, `new`, or the error. */
function verdict (producers: Producers, shape: Shape): string {
  try {
    const repeated = producers.check(shaped(shape))
    return repeated === null ? 'new' : `at ${repeated.baseOffset}`
  } catch (error) {
    if (error instanceof KafkaError) return error.code
    throw error
  }
}

/** Appends batches of one record, one after the other. */
function appended (count: number, committedOffset = NEVER_TAKEN_BACK, producers = new Producers()): Producers {
  for (let i = 0; i < count; i++) producers.remember(shaped({ sequence: i, offset: i }), i, committedOffset)
  return producers
}

t.test('what follows on a batch that was taken back waits until that is sent again', async t => {
  const producers = appended(4, 2)
  producers.truncate(2)
  t.equal(verdict(producers, { sequence: 3 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  t.equal(verdict(producers, { sequence: 4 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  t.equal(verdict(producers, { sequence: 2 }), 'new')
  t.equal(verdict(producers, { sequence: 1 }), 'at 1')
})

t.test('that holds for a producer of whom nothing is left, too', async t => {
  const producers = appended(2, 0)
  producers.truncate(0)
  t.equal(verdict(producers, { sequence: 1 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  t.equal(verdict(producers, { sequence: 0 }), 'new')
  t.equal(verdict(producers, { sequence: 0, epoch: 1 }), 'new', 'unless it begins a new epoch')
  t.equal(verdict(producers, { sequence: 3, epoch: 1 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
})

t.test('however many batches wait for the disk, all of them can be taken back', async t => {
  const producers = appended(20, 3)
  producers.truncate(3)
  t.equal(verdict(producers, { sequence: 3 }), 'new')
  for (const sequence of [0, 1, 2]) t.equal(verdict(producers, { sequence }), `at ${sequence}`)
})

t.test('a snapshot at an offset knows what was before it, and goes on from there', async t => {
  const producers = Producers.restore(appended(9, 4).snapshot(6))
  t.equal(verdict(producers, { sequence: 6 }), 'new')
  for (const sequence of [1, 2, 3, 4, 5]) t.equal(verdict(producers, { sequence }), `at ${sequence}`)
  t.equal(verdict(producers, { sequence: 7 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
  t.strictSame(appended(3).snapshot(0), [], 'who has nothing before it is not in it')
})

t.test('a producer that was silent for long is forgotten, the others are not', async t => {
  const producers = appended(3)
  producers.remember(shaped({ producerId: 8, sequence: 0 }), 100, NEVER_TAKEN_BACK)
  producers.expire(3)
  t.equal(producers.size, 1)
  t.equal(verdict(producers, { sequence: 77 }), 'new')
  t.equal(verdict(producers, { producerId: 8, sequence: 77 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
})

t.test('batches without a producer id are nobody\'s', async t => {
  const producers = new Producers()
  producers.remember(batchOf(['x']), 0, NEVER_TAKEN_BACK)
  t.equal(producers.size, 0)
})

/**
 * The naive way: every batch is kept for ever, and every question is answered from the whole list.
 */
class Spec {
  batches: { id: number, epoch: number, first: number, last: number, offset: number, lastOffset: number }[] = []
  /** By producer: where it stands, and what was committed when it last appended. */
  readonly state = new Map<number, { epoch: number, next: number, committed: number }>()

  verdict ({ producerId: id = ID, epoch = 0, sequence, count = 1 }: Shape): string {
    const state = this.state.get(id)
    if (state === undefined) return 'new'
    if (epoch < state.epoch) return 'INVALID_PRODUCER_EPOCH'
    if (epoch > state.epoch) return sequence === 0 ? 'new' : 'OUT_OF_ORDER_SEQUENCE_NUMBER'
    const last = (sequence + count - 1) % 2 ** 31
    const own = this.batches.filter(batch => batch.id === id && batch.epoch === epoch)
    const known = own.filter((_, i) => own.slice(i + 1).filter(later => later.lastOffset < state.committed).length < 5)
    const repeated = known.find(batch => batch.first === sequence && batch.last === last)
    if (repeated !== undefined) return `at ${repeated.offset}`
    return sequence === state.next ? 'new' : 'OUT_OF_ORDER_SEQUENCE_NUMBER'
  }

  append ({ producerId: id = ID, epoch = 0, sequence, count = 1, offset = 0 }: Shape, committed: number): void {
    const last = (sequence + count - 1) % 2 ** 31
    this.batches.push({ id, epoch, first: sequence, last, offset, lastOffset: offset + count - 1 })
    this.state.set(id, { epoch, next: (last + 1) % 2 ** 31, committed })
  }

  truncate (offset: number): void {
    for (const [id, state] of this.state) {
      const gone = this.batches.find(batch => batch.id === id && batch.epoch === state.epoch && batch.lastOffset >= offset)
      if (gone !== undefined) state.next = gone.first
    }
    this.batches = this.batches.filter(batch => batch.lastOffset < offset)
  }
}

t.test('whatever happens, the answers are those of a list of all batches', async t => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seeded(seed)
    const upTo = (limit: number): number => Math.floor(random() * limit)
    const producers = new Producers()
    const spec = new Spec()
    let end = 0
    let committed = 0
    for (let step = 0; step < 300; step++) {
      const producerId = upTo(3)
      const { epoch = 0, next = upTo(2) === 0 ? 0 : 2 ** 31 - 3 } = spec.state.get(producerId) ?? {}
      const own = spec.batches.filter(batch => batch.id === producerId)
      const recent = own.at(-1 - upTo(8))
      let shape: Shape = { producerId, epoch, sequence: next, count: 1 + upTo(4), offset: end }
      if (upTo(4) === 0 && recent !== undefined) shape = { ...shape, sequence: recent.first, count: recent.lastOffset - recent.offset + 1, epoch: recent.epoch }
      else if (upTo(6) === 0) shape = { ...shape, sequence: (next + upTo(3)) % 2 ** 31 }
      else if (upTo(12) === 0) shape = { ...shape, epoch: epoch + 1, sequence: upTo(3) === 0 ? 1 : 0 }
      const expected = spec.verdict(shape)
      if (verdict(producers, shape) !== expected) return t.equal(verdict(producers, shape), expected, `seed ${seed}, step ${step}`)
      if (expected === 'new') {
        producers.remember(shaped(shape), step, committed)
        spec.append(shape, committed)
        end += shape.count!
      }
      if (upTo(3) === 0) committed = end
      if (upTo(25) === 0) {
        end = committed
        producers.truncate(end)
        spec.truncate(end)
      }
    }
  }
  t.pass()
})
