import t from 'tap'
import { openDoor } from '../../support/http-door.ts'
import { append, eventually, openBoth, openGateway, openPeer } from './support.ts'

t.test('a server that is about to stop says so, answers what was asked, and closes', async t => {
  const { peer, log, draining, url, door } = await openBoth(t)
  append(log, 'a', ['0'])
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], credit: { records: 100 } })
  await peer.find('caught_up')
  const { promise: held, resolve: release } = Promise.withResolvers<undefined>()
  const { promise: reached, resolve: onReached } = Promise.withResolvers<undefined>()
  log.before = async ({ name }) => {
    if (name !== 'Produce') return
    onReached(undefined)
    await held
  }
  peer.send({ type: 'produce', id: 'p', topic: 'a', records: [{ value: 1 }] })
  await reached
  draining.abort()
  const goaway = await peer.next('goaway')
  t.ok(Number(goaway['reconnectAfterMs']) >= 500 && Number(goaway['reconnectAfterMs']) <= 5000)
  peer.send({ type: 'produce', id: 'late', topic: 'a', records: [{ value: 2 }] })
  t.match(await peer.next('error'), { id: 'late', retry: true, problem: { status: 503 } })
  const refused = await openPeer(t, url).then(() => null, (error: { status: number, headers: Record<string, string> }) => error)
  t.match(refused, { status: 503, headers: { 'retry-after': String } })
  release(undefined)
  t.match(await peer.next('produced'), { id: 'p', results: [{ offset: 1 }] })
  t.match(await peer.closed, { code: 1001 })
  await eventually(() => door.stats.webSocket.sessions === 0)
  t.equal(door.stats.webSocket.closes.get(1001), 1)
  t.equal(door.feeds.size, 0)
})

t.test('closing the server closes its sessions', async t => {
  const { peer, app } = await openBoth(t)
  const closed = app.close()
  t.match(await peer.next('goaway'), { reason: String })
  t.match(await peer.closed, { code: 1001 })
  await closed
})

t.test('a peer that gives no sign of life is closed, and one that does by whatever means is not', async t => {
  const { door } = await openDoor(t)
  const { url } = await openGateway(t, door, { pingMs: 40 })
  const dead = await openPeer(t, url, { autoPong: false })
  // What a library does by itself, and what a page does.
  const wscat = await openPeer(t, url, { protocol: null })
  const page = await openPeer(t, url, { autoPong: false })
  page.socket.on('message', (data: Buffer) => { if (data.toString() === '{"type":"ping"}') page.send({ type: 'pong' }) })
  await dead.next('ping')
  await dead.next('ping')
  t.match(await dead.next('error'), { retry: true, problem: { status: 408 } })
  t.match(await dead.closed, { code: 4408 })
  for (let i = 0; i < 5; i++) await page.find('ping')
  t.equal(wscat.socket.readyState, wscat.socket.OPEN)
  t.equal(page.socket.readyState, page.socket.OPEN)
})

t.test('the counters', async t => {
  const { peer, log, door } = await openBoth(t)
  const { webSocket: stats } = door.stats
  append(log, 'a', ['0', '1', '2'])
  const { framesIn, framesOut, bytesOut } = { ...stats }
  peer.send({ type: 'subscribe', id: 's', topics: ['a'], from: 'earliest', credit: { records: 2 } })
  await peer.next('subscribed')
  const { bytes } = await peer.next('records')
  t.match(stats, { sessions: 1, sessionsTotal: 1, subscriptions: 1, recordsOut: 2, gaps: 0, creditStalls: 1, framesIn: framesIn + 1, framesOut: framesOut + 2 })
  t.ok(stats.bytesOut - bytesOut > bytes)
  peer.socket.close(1000)
  await eventually(() => stats.sessions === 0)
  t.match(stats, { sessions: 0, sessionsTotal: 1, subscriptions: 0, recordsOut: 2 })
  t.strictSame([...stats.closes], [[1000, 1]])
})
