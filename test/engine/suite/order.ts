/**
 * Order: what one producer sends one after the other is read in that order, by everyone, whatever else goes on.
 */
import type { Test } from 'tap'
import { batchesOf, Client, LATEST, type Engine } from './kit.ts'
import { recordsIn } from '../../../protocol/records.ts'

const PRODUCERS = 6
const BATCHES = 60

export function orderSuite (t: Test, engine: Engine): void {
  const client = new Client(engine)

  t.test('every producer\'s records are there once, in its order, at the offsets that were answered', async t => {
    const topic = await client.topic()
    const expected = new Map<number, string>()
    await Promise.all(Array.from({ length: PRODUCERS }, async (_, producer) => {
      for (let i = 0; i < BATCHES; i++) {
        const values = Array.from({ length: 1 + (i * producer) % 3 }, (_, k) => `${producer}:${i}.${k}`)
        const base = await client.append(topic, values)
        for (const [k, value] of values.entries()) expected.set(base + k, value)
      }
    }))
    const end = await client.offset(topic, LATEST)
    t.equal(end, expected.size, 'no offset is given twice, none is left out')
    const read: string[] = []
    for (let offset = 0; offset < end;) {
      const batches = batchesOf(await client.fetch(topic, offset, { partitionMaxBytes: 4096 }))
      for (const record of batches.flatMap(batch => [...recordsIn(batch)])) {
        if (record.offset < offset) continue
        t.equal(String(record.value), expected.get(record.offset))
        read.push(String(record.value))
      }
      offset = batches.at(-1)!.nextOffset
    }
    for (let producer = 0; producer < PRODUCERS; producer++) {
      const own = read.filter(value => value.startsWith(`${producer}:`)).map(value => Number(value.split(':')[1]!.split('.')[0]))
      t.strictSame(own, own.toSorted((a, b) => a - b))
    }
  })

  t.test('two readers see the same records at the same offsets', async t => {
    const topic = await client.topic()
    const follow = async (): Promise<string[]> => {
      const seen: string[] = []
      while (seen.length < 200) {
        for (const batch of batchesOf(await client.fetch(topic, seen.length, { maxWaitMs: 30_000 }))) {
          for (const { offset, value } of recordsIn(batch)) if (offset === seen.length) seen.push(`${offset} ${value}`)
        }
      }
      return seen
    }
    const readers = [follow(), follow()]
    for (let i = 0; i < 100; i++) await client.append(topic, [`${i} a`, `${i} b`])
    const [first, second] = await Promise.all(readers)
    t.strictSame(first, second)
    t.equal(first![199], '199 99 b')
  })
}
