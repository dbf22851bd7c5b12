import t from 'tap'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { realFileSystem as fs } from '../../../storage/log/fs.ts'
import { Producers } from '../../../storage/embedded/producers.ts'
import { readSnapshot, writeSnapshot } from '../../../storage/embedded/snapshots.ts'
import { batchOf } from '../../support/batches.ts'

const nameOf = (offset: number): string => `${String(offset).padStart(20, '0')}.snapshot`

/** Producers that have appended `count` batches. */
function after (count: number): Producers {
  const producers = new Producers()
  for (let offset = 0; offset < count; offset++) {
    const batch = batchOf(['x'], { producerId: 5, producerEpoch: 2, baseSequence: offset })
    batch.stamp(offset, 0)
    producers.remember(batch, 1000 + offset, Infinity)
  }
  return producers
}

t.test('what was written is read', async t => {
  const directory = t.testdir()
  await writeSnapshot(fs, directory, 8, after(8))
  const found = await readSnapshot(fs, directory, 8)
  t.equal(found!.offset, 8)
  t.strictSame(found!.producers.snapshot(8), after(8).snapshot(8))
})

t.test('the newest two are kept, and the newest is read', async t => {
  const directory = t.testdir()
  for (const offset of [3, 5, 9]) await writeSnapshot(fs, directory, offset, after(offset))
  t.strictSame(readdirSync(directory).sort(), [nameOf(5), nameOf(9)])
  t.equal((await readSnapshot(fs, directory, 20))!.offset, 9)
})

t.test('one that is damaged is passed over for the one before it', async t => {
  const damages: [what: string, damage: (bytes: Buffer) => Buffer][] = [
    ['a flipped bit', bytes => { bytes[20]! ^= 1; return bytes }],
    ['cut short', bytes => bytes.subarray(0, bytes.length - 3)],
    ['empty', () => Buffer.alloc(0)]
  ]
  for (const [what, damage] of damages) {
    const directory = t.testdir()
    await writeSnapshot(fs, directory, 5, after(5))
    await writeSnapshot(fs, directory, 9, after(9))
    const newest = join(directory, nameOf(9))
    writeFileSync(newest, damage(readFileSync(newest)))
    t.equal((await readSnapshot(fs, directory, 20))!.offset, 5, what)
  }
})

t.test('one that tells of more than the log has is not believed, now or later', async t => {
  const directory = t.testdir()
  await writeSnapshot(fs, directory, 5, after(5))
  await writeSnapshot(fs, directory, 9, after(9))
  t.equal((await readSnapshot(fs, directory, 7))!.offset, 5)
  t.equal(existsSync(join(directory, nameOf(9))), false)
  t.equal((await readSnapshot(fs, directory, 20))!.offset, 5)
})

t.test('without any there is none', async t => {
  const directory = t.testdir({ '00000000000000000000.log': '', 'x.snapshot': '' })
  t.equal(await readSnapshot(fs, directory, 20), null)
})
