/**
 * Members, an operator and a slow log at random, for minutes of the coordinator's time. Whatever they do, no partition is
 * ever owned twice in one generation, every request is answered, and what is on the disk is what the coordinator knows.
 */
import t from 'tap'
import { describeGroups } from '../../../../storage/embedded/handlers/15-describe-groups.ts'
import { deleteGroups } from '../../../../storage/embedded/handlers/42-delete-groups.ts'
import { offsetCommit } from '../../../../storage/embedded/handlers/08-offset-commit.ts'
import { offsetFetch } from '../../../../storage/embedded/handlers/09-offset-fetch.ts'
import { Client } from './client.ts'
import { nameOf, World } from './world.ts'

const PARTITIONS = ['p0', 'p1', 'p2', 'p3', 'p4']
const RUN_MS = 240_000

/** Repeatable chance (mulberry32). */
class Chance {
  #state: number

  constructor (seed: number) {
    this.#state = seed * 0x9e3779b1 >>> 0
  }

  next (): number {
    this.#state = this.#state + 0x6d2b79f5 >>> 0
    let x = Math.imul(this.#state ^ this.#state >>> 15, this.#state | 1)
    x ^= x + Math.imul(x ^ x >>> 7, x | 61)
    return ((x ^ x >>> 14) >>> 0) / 2 ** 32
  }

  happens (probability: number): boolean { return this.next() < probability }
  below (limit: number): number { return Math.floor(this.next() * limit) }
  of<T> (list: readonly T[]): T { return list[this.below(list.length)]! }
}

class Model {
  readonly chance: Chance
  readonly world = new World({ config: { maxSize: 6 } })
  readonly violations: string[] = []
  /** Who owns what, by generation and partition; a static member is the same one after a restart. */
  readonly #owners = new Map<string, string>()
  /** Until the group is deleted its generations go up; afterwards they begin again. */
  #epoch = 0
  open = 0
  assignments = 0
  comparisons = 0
  isOver = false

  constructor (seed: number) {
    this.chance = new Chance(seed)
    this.world.log.delay = () => ({ clock: this.world.clock, ms: this.chance.of([0, 0, 1, 5, 300]), fails: this.chance.happens(0.01) })
  }

  async sleep (ms: number): Promise<void> {
    await new Promise<void>(resolve => { this.world.clock.setTimer(ms, resolve) })
  }

  /** Counts a request until it is answered. */
  async asked<T> (request: Promise<T>): Promise<T> {
    this.open++
    try {
      return await request
    } finally {
      this.open--
    }
  }

  /** One process after another under one name. */
  async slot (index: number): Promise<void> {
    const instance = index % 2 === 0 ? `pod-${index}` : null
    while (!this.isOver) {
      await this.sleep(this.chance.below(20_000))
      const client = new Client(this.world, `c${index}`, {
        ...(instance !== null && { instance }),
        version: instance === null ? this.chance.of([0, 2, 4, 9]) : this.chance.of([5, 8, 9]),
        sessionMs: this.chance.of([6_000, 10_000, 30_000]),
        rebalanceMs: this.chance.of([3_000, 8_000, 20_000]),
        protocols: this.chance.of([['range'], ['range', 'roundrobin'], ['roundrobin', 'range']])
      })
      await this.process(client)
    }
  }

  /** A member's life: join, sync, heartbeats, until it leaves, dies without a word, or is sent away. */
  async process (client: Client): Promise<void> {
    while (!this.isOver) {
      const joined = nameOf((await this.asked(client.enter())).errorCode)
      if (joined === 'UNKNOWN_MEMBER_ID') client.memberId = ''
      else if (joined === 'FENCED_INSTANCE_ID') return
      if (joined !== 'NONE') {
        await this.sleep(100)
        continue
      }
      if (this.chance.happens(0.05)) return
      if (this.chance.happens(0.2)) await this.sleep(this.chance.below(5_000))
      if (!await this.synced(client)) continue
      if (!await this.stay(client)) return
    }
    await this.asked(client.leave())
  }

  async synced (client: Client): Promise<boolean> {
    const { isLeader, last } = client
    const generation = `${this.#epoch}/${client.generation}`
    const assignment = isLeader && !last!.skipAssignment ? this.assign(last!.members.map(({ memberId }) => memberId)) : {}
    const answer = await this.asked(client.sync(assignment))
    if (answer.errorCode !== 0) {
      if (nameOf(answer.errorCode) === 'UNKNOWN_MEMBER_ID') client.memberId = ''
      return false
    }
    const owner = client.instance ?? client.memberId
    for (const partition of answer.assignment.toString().split(' ').filter(Boolean)) {
      const key = `${generation} ${partition}`
      const other = this.#owners.get(key)
      if (other !== undefined && other !== owner) this.violations.push(`${key} is owned by ${other} and ${owner}`)
      this.#owners.set(key, owner)
      this.assignments++
    }
    return true
  }

  assign (memberIds: readonly string[]): Record<string, string> {
    return Object.fromEntries(memberIds.map((memberId, i) => [memberId, PARTITIONS.filter((_, p) => p % memberIds.length === i).join(' ')]))
  }

  /** False if the process ends. */
  async stay (client: Client): Promise<boolean> {
    while (!this.isOver) {
      if (this.chance.happens(0.05)) return false // dies
      if (this.chance.happens(0.05)) {
        await this.asked(client.leave())
        return false
      }
      await this.sleep(this.chance.of([500, 2_000, 3_000]))
      const heard = await this.asked(this.chance.happens(0.3) ? client.commit(this.chance.below(1_000)) : client.heartbeat())
      if (heard === 'FENCED_INSTANCE_ID') return false
      if (heard === 'UNKNOWN_MEMBER_ID') client.memberId = ''
      if (heard !== 'NONE' && heard !== 'COORDINATOR_NOT_AVAILABLE') return true
    }
    return true
  }

  async operator (): Promise<void> {
    while (!this.isOver) {
      await this.sleep(this.chance.below(15_000))
      if (this.chance.happens(0.3)) {
        const { results } = await this.asked(this.world.call(deleteGroups, 2, { groupsNames: ['group'] }))
        if (results[0]!.errorCode === 0) this.#epoch++
      } else {
        await this.asked(this.world.call(offsetCommit, 9, {
          groupId: 'group',
          memberId: '',
          topics: [{ name: 'events', partitions: [{ partitionIndex: this.chance.below(4), committedOffset: 1, committedMetadata: 'op' }] }]
        }))
      }
    }
  }

  /** Starts another coordinator from what is durable, and compares. */
  async auditor (): Promise<void> {
    while (!this.isOver) {
      await this.sleep(500 + this.chance.below(2_000))
      if (this.world.log.waiting > 0) continue
      const other = new World({ stored: this.world.log.records })
      const [here, there] = [await view(this.world), await view(other)]
      other.groups.stop()
      this.comparisons++
      if (here.offsets !== there.offsets) this.violations.push(`offsets: ${here.offsets}, but stored: ${there.offsets}`)
      // A failed write leaves the record behind what the group has become; a rebalance is not stored at all.
      if (here.state === 'Stable' && there.group !== here.group) this.violations.push(`group: ${here.group}, but stored: ${there.group}`)
    }
  }

  async run (): Promise<void> {
    const everyone = [...Array.from({ length: 8 }, (_, i) => this.slot(i)), this.operator(), this.auditor()]
    await this.world.clock.advance(RUN_MS)
    this.isOver = true
    await this.world.clock.advance(120_000)
    await Promise.all(everyone)
  }
}

async function view (world: World): Promise<{ state: string, group: string, offsets: string }> {
  const described = (await world.call(describeGroups, 6, { groups: ['group'] })).groups[0]!
  const { groups } = await world.call(offsetFetch, 9, { groups: [{ groupId: 'group', topics: null }] })
  const members = described.members.map(member => JSON.stringify(member)).sort().join()
  const offsets = groups[0]!.topics.flatMap(({ name, partitions }) => partitions.map(p => `${name}-${p.partitionIndex}:${p.committedOffset}`))
  return { state: described.groupState, group: `${described.groupState} ${described.protocolData} ${members}`, offsets: offsets.sort().join() }
}

for (let seed = Number(process.env['MODEL_SEED'] ?? 1), end = seed + Number(process.env['MODEL_SEEDS'] ?? 12); seed < end; seed++) {
  t.test(`whatever members do, the group stays consistent (${seed})`, async t => {
    const model = new Model(seed)
    await model.run()
    t.same(model.violations, [])
    t.equal(model.open, 0, 'every request was answered')
    t.equal(model.world.clock.pending, 1, 'nothing is left but the check for expired offsets')
    t.ok(model.assignments > 20 && model.comparisons > 20, `${model.assignments} assignments, ${model.comparisons} comparisons`)
  })
}
