/**
 * Pauses, orderly stops and a full disk, while clients write, read and commit. `CRASH_SEED` chooses the random numbers.
 */
import t, { type Test } from 'tap'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { complete } from '../../protocol/defaults.ts'
import { errorRow } from '../../protocol/errors.ts'
import { Fetch } from '../../protocol/messages/01-fetch.ts'
import { Connection } from '../engine/connection.ts'
import { seeded } from '../support/batches.ts'
import { Load } from './load.ts'
import { Server } from './server.ts'
import { judge } from './judge.ts'

const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000)
const CLEAN_STOP = '.kafka_cleanshutdown'
/** What recovery says when it had to cut something off. */
const CUT = 'cut off'
const MIB = 1024 * 1024

t.test('a server that is paused goes on where it was', { timeout: 120_000 }, async t => {
  t.comment(`CRASH_SEED=${seed}`)
  const random = seeded(seed)
  const server = await Server.create(t)
  await server.start()
  const load = new Load({ ports: [server.kafkaPort], seed })
  await load.start()
  for (let round = 0; round < 6; round++) {
    await sleep(random() * 400)
    server.signal('SIGSTOP')
    await sleep(100 + random() * 900)
    server.signal('SIGCONT')
    await load.progress()
  }
  judge(t, await load.finish(), load)
  t.equal(await server.end('SIGTERM'), 0)
})

t.test('a server that is asked to stop loses nothing, leaves its marker and is back at once', { timeout: 180_000 }, async t => {
  t.comment(`CRASH_SEED=${seed}`)
  const random = seeded(seed)
  const server = await Server.create(t)
  await server.start()
  const load = new Load({ ports: [server.kafkaPort], seed })
  await load.start()
  const stopsMs: number[] = []
  const startsMs: number[] = []
  for (let round = 0; round < 5; round++) {
    await sleep(200 + random() * 800)
    const stoppingAt = performance.now()
    t.equal(await server.end('SIGTERM'), 0)
    stopsMs.push(performance.now() - stoppingAt)
    t.ok(existsSync(join(server.dataFolder, CLEAN_STOP)), 'the marker is there')
    const startingAt = performance.now()
    await server.start()
    await load.progress()
    startsMs.push(performance.now() - startingAt)
  }
  t.notMatch(server.output, CUT, 'nothing was torn')
  t.comment(`stops: ${stopsMs.map(Math.round).join(' ')} ms; from the start to the next acknowledgement: ${startsMs.map(Math.round).join(' ')} ms`)
  t.ok(Math.max(...stopsMs) < 5000)
  judge(t, await load.finish(), load)
  t.equal(await server.end('SIGTERM'), 0)
})

t.test('a full disk is told, everything is still read, and with room all goes on without a restart', { timeout: 180_000 }, async t => {
  t.comment(`CRASH_SEED=${seed}`)
  const disk = smallDisk(t, 48)
  if (disk === null) return t.pass('this user may not mount a small disk')
  const ballast = join(disk, 'ballast')
  writeFileSync(ballast, Buffer.alloc(32 * MIB))
  const dataFolder = join(disk, 'data')
  mkdirSync(dataFolder)
  const server = await Server.create(t, [], { dataFolder })
  await server.start()
  const load = new Load({ ports: [server.kafkaPort], seed })
  await load.start()
  const refusals = (): number => load.producers.reduce((sum, { errors }) => sum + (errors.get('KAFKA_STORAGE_ERROR') ?? 0), 0)
  while (refusals() < 50) await sleep(20)
  const { bavail } = statfsSync(disk)
  t.ok(bavail * 4096 < 2 * MIB, `the disk is full: ${bavail} blocks are left`)
  const before = refusals()
  const { errorCode, bytes } = await readFirst(server.kafkaPort)
  t.strictSame([errorRow(errorCode).name, bytes > 0], ['NONE', true], 'the first records are read')
  while (refusals() < before + 20) await sleep(20)
  rmSync(ballast)
  await load.progress()
  const { acknowledged } = load
  await sleep(1000)
  t.ok(load.acknowledged > acknowledged + 100, 'it goes on')
  judge(t, await load.finish(), load)
  await server.end('SIGKILL')
  await server.start()
  t.equal((await readFirst(server.kafkaPort)).errorCode, 0)
  t.equal(await server.end('SIGTERM'), 0)
})

/** A file system in memory of so many MiB, or null where none can be mounted. */
function smallDisk (t: Test, sizeMib: number): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'small-disk-'))
  t.teardown(() => rmdirSync(folder))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return null
  }
  t.teardown(() => { execFileSync('umount', ['--lazy', folder]) })
  return folder
}

async function readFirst (port: number): Promise<{ errorCode: number, bytes: number }> {
  const connection = await Connection.open(port)
  const { responses } = await connection.send(Fetch, 11, complete(Fetch.request, {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [{ topic: 'load', topicId: 'AAAAAAAAAAAAAAAAAAAAAA', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: MIB }] }]
  }))
  connection.destroy()
  const { errorCode, records } = responses[0]!.partitions[0]!
  return { errorCode, bytes: Buffer.concat(records ?? []).length }
}
