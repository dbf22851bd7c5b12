/**
 * What is found out about partitions, and which of it comes too late.
 */
import t from 'tap'
import { complete } from '../../../protocol/defaults.ts'
import { ListOffsets } from '../../../protocol/messages/02-list-offsets.ts'
import { OffsetFetch } from '../../../protocol/messages/09-offset-fetch.ts'
import { compose, on, type Dispatch } from '../../../protocol/rpc.ts'
import { Positions } from '../../../src/client/positions.ts'
import { context } from '../../support/group-house.ts'

const at = { topic: 't', partition: 0 }
const BEGINNING = 3

/** A log where `offset` is committed (-1: nothing), and `meanwhile` happens before the first answer. */
function log (offset: number, meanwhile: () => void = () => {}): Dispatch {
  let isFirst = true
  const first = (): void => {
    if (isFirst) meanwhile()
    isFirst = false
  }
  const nothingElse: Dispatch = async api => { throw new Error(`nobody should ask for ${api.name}`) }
  return compose(nothingElse,
    on(OffsetFetch, async () => {
      first()
      return complete(OffsetFetch.response, {
        groups: [{
          groupId: 'g',
          errorCode: 0,
          topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: offset, errorCode: 0, metadata: '' }] }]
        }]
      })
    }),
    on(ListOffsets, async () => {
      first()
      return complete(ListOffsets.response, { topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: 0, offset: BEGINNING }] }] })
    }))
}

function assigned (): Positions {
  const positions = new Positions()
  positions.assign([at], false)
  return positions
}

t.test('what is committed, else the beginning', async t => {
  for (const [offset, next] of [[7, 7], [-1, BEGINNING]] as const) {
    const positions = assigned()
    await positions.locate(log(offset), context, 'g', 'earliest')
    t.match(positions.need(at), { next, committed: offset < 0 ? null : offset, isPending: false })
  }
  await t.rejects(assigned().locate(log(-1), context, 'g', 'none'), { name: 'ConsumerError', fault: 'illegal-state' })
})

t.test('what was asked for another generation is left alone: somebody may have read on since', async t => {
  for (const offset of [7, -1]) {
    const positions = assigned()
    await positions.locate(log(offset, () => positions.assign([at], false)), context, 'g', 'earliest')
    t.strictSame(positions.need(at), { ...at, next: null, committed: null, isPending: false, outOfRange: false }, `committed ${offset}`)
  }
  const positions = assigned()
  await positions.locate(log(-1, () => positions.assign([], false)), context, 'g', 'none')
  t.equal(positions.size, 0, 'nobody need say where to begin in what is not there')
})

t.test('what the next generation keeps is located', async t => {
  const positions = assigned()
  await positions.locate(log(7, () => positions.assign([at], true)), context, 'g', 'earliest')
  t.match(positions.need(at), { next: 7 })
})

t.test('a seek meanwhile holds', async t => {
  for (const offset of [7, -1]) {
    const positions = assigned()
    await positions.locate(log(offset, () => positions.seek(positions.need(at), 1)), context, 'g', 'earliest')
    t.match(positions.need(at), { next: 1 })
  }
})
