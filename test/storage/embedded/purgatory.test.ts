import t from 'tap'
import { getEventListeners } from 'node:events'
import { WaitingRoom, waitFor, type WakeReason } from '../../../storage/embedded/purgatory.ts'

const FOR_EVER_MS = 600_000
const { signal: never } = new AbortController()

/** Whether a promise is settled after all that is due now. */
async function isSettled (promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  promise.finally(() => { settled = true })
  await new Promise(resolve => setImmediate(resolve))
  return settled
}

t.test('a wait ends when enough has been committed, in all rooms together', async t => {
  const rooms = [new WaitingRoom(), new WaitingRoom()]
  const waiting = waitFor(rooms, 100, FOR_EVER_MS, never)
  rooms[0]!.committed(60)
  t.equal(await isSettled(waiting), false)
  rooms[1]!.committed(39)
  t.equal(await isSettled(waiting), false)
  rooms[0]!.committed(1)
  t.equal(await waiting, 'data')
  t.strictSame(rooms.map(room => room.size), [0, 0])
})

t.test('everyone in a room is told', async t => {
  const room = new WaitingRoom()
  const waiting = [waitFor([room], 10, FOR_EVER_MS, never), waitFor([room], 20, FOR_EVER_MS, never), waitFor([room], 21, FOR_EVER_MS, never)]
  room.committed(20)
  t.strictSame(await Promise.all(waiting.map(isSettled)), [true, true, false])
  t.equal(room.size, 1)
  room.gone()
  t.equal(await waiting[2], 'gone')
})

const ends: [reason: WakeReason, end: (room: WaitingRoom, peer: AbortController) => void, ms: number][] = [
  ['timeout', () => {}, 5],
  ['aborted', (_, peer) => peer.abort(), FOR_EVER_MS],
  ['gone', room => room.gone(), FOR_EVER_MS],
  ['data', room => room.committed(1), FOR_EVER_MS]
]
for (const [reason, end, ms] of ends) {
  t.test(`a wait that ends with "${reason}" leaves nothing behind`, async t => {
    const [room, other] = [new WaitingRoom(), new WaitingRoom()]
    const peer = new AbortController()
    const waiting = waitFor([room, other], 1, ms, peer.signal)
    t.strictSame([room.size, other.size], [1, 1])
    end(room, peer)
    t.equal(await waiting, reason)
    t.strictSame([room.size, other.size], [0, 0])
    t.equal(getEventListeners(peer.signal, 'abort').length, 0)
  })
}

t.test('nobody begins to wait for what is gone, or for a peer that has left', async t => {
  const room = new WaitingRoom()
  t.equal(await waitFor([room], 1, FOR_EVER_MS, AbortSignal.abort()), 'aborted')
  room.gone()
  t.equal(await waitFor([new WaitingRoom(), room], 1, FOR_EVER_MS, never), 'gone')
  t.equal(room.size, 0)
})
