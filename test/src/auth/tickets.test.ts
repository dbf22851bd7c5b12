/**
 * Tickets are good once, and for thirty seconds.
 */
import t from 'tap'
import type { Identity } from '../../../src/auth/identity.ts'
import { Tickets } from '../../../src/auth/tickets.ts'
import { refused } from './kit.ts'

const alice: Identity = { principal: { type: 'User', name: 'alice' }, method: 'BASIC', expiresAtMs: null }

t.test('a ticket is whose it is, once', async t => {
  const tickets = new Tickets(() => 1000)
  const { ticket, expiresAtMs } = tickets.issue(alice)
  t.match(ticket, /^[\w-]{43}$/)
  t.equal(expiresAtMs, 31_000)
  const identity = tickets.redeem(ticket)
  t.same(identity, { ...alice, method: 'TICKET' })
  t.equal(identity.principal, alice.principal)
  await refused(t, () => tickets.redeem(ticket), /unknown, used or out of date/)
  t.equal(tickets.size, 0)
})

t.test('and not late, nor after the proof behind it', async t => {
  let now = 0
  const tickets = new Tickets(() => now)
  const [one, other] = [tickets.issue(alice), tickets.issue(alice)]
  const short = tickets.issue({ ...alice, expiresAtMs: 10_000 })
  const long = tickets.issue({ ...alice, expiresAtMs: 10_001 })
  now = 10_000
  await refused(t, () => tickets.redeem(short.ticket), /has expired/)
  t.match(tickets.redeem(long.ticket), { expiresAtMs: 10_001 })
  now = 29_999
  t.match(tickets.redeem(one.ticket), { method: 'TICKET' })
  now = 30_000
  await refused(t, () => tickets.redeem(other.ticket), /out of date/)
})

t.test('what nobody has issued is no ticket', async t => {
  const tickets = new Tickets()
  const { ticket } = tickets.issue(alice)
  for (const text of ['', ticket.slice(1), `${ticket}A`, ticket.toLowerCase(), ` ${ticket}`, '__proto__']) {
    await refused(t, () => tickets.redeem(text), /unknown/)
  }
  t.match(tickets.redeem(ticket), { method: 'TICKET' })
})

t.test('they are few, and nobody voids those of others', async t => {
  let now = 0
  const tickets = new Tickets(() => now)
  const { ticket } = tickets.issue(alice)
  const bob: Identity = { ...alice, principal: { type: 'User', name: 'bob' } }
  const first = tickets.issue(bob)
  for (let i = 0; i < 20_000; i++) tickets.issue(bob)
  t.equal(tickets.size, 1001)
  await refused(t, () => tickets.redeem(first.ticket), /unknown/)
  t.match(tickets.redeem(ticket), { principal: { name: 'alice' } })
  for (let i = 0; i < 20_000; i++) tickets.issue({ ...alice, principal: { type: 'User', name: `user ${i % 100}` } })
  t.equal(tickets.size, 10_000)
  now = 30_000
  tickets.issue(alice)
  t.equal(tickets.size, 1, 'what is out of date makes room')
})
