import t from 'tap'
import { compact } from '../../../storage/log/compaction.ts'
import type { Log } from '../../../storage/log/log.ts'
import { MetadataLog } from '../../../storage/embedded/metadata.ts'
import { FaultFileSystem, failOnce } from '../../support/fault-fs.ts'
import { openLog } from '../../support/logs.ts'
import { MemoryFileSystem } from '../../support/memory-fs.ts'

/** Opens it over the same disk as often as it is called. */
function metadataOn (fs = new MemoryFileSystem(), config = {}): () => Promise<{ metadata: MetadataLog, log: Log }> {
  return async () => {
    const { log } = await openLog(null, { fs, config })
    return { metadata: await MetadataLog.open(log), log }
  }
}

t.test('what was set is there, also after a restart, and what was set to null is not', async t => {
  const open = metadataOn()
  const { metadata, log } = await open()
  await metadata.set('a', { one: 1 })
  await metadata.set('b', [2])
  await metadata.set('a', { one: 11 })
  await metadata.set('c', 3)
  await metadata.set('c', null)
  for (const one of [metadata, (await log.close(), await open()).metadata]) {
    t.strictSame([one.get('a'), one.get('b'), one.get('c')], [{ one: 11 }, [2], undefined])
    t.strictSame([...one.entries('')], [['a', { one: 11 }], ['b', [2]]])
  }
})

t.test('entries are found by the beginning of their key', async t => {
  const { metadata } = await metadataOn()()
  await metadata.setAll([['topic/x', 1], ['topic/y', 2], ['user/x', 3]])
  t.strictSame([...metadata.entries('topic/')], [['x', 1], ['y', 2]])
})

t.test('values that are set together are one batch', async t => {
  const { metadata, log } = await metadataOn()()
  await metadata.set('a', 1)
  const before = log.endOffset
  await metadata.setAll([['a', null], ['b', 2], ['c', 3]])
  const batches = []
  for await (const window of log.batches(before)) batches.push(...window)
  t.strictSame(batches.map(batch => batch.recordCount), [3])
})

t.test('what could not be made durable is not there', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log } = await openLog(null, { fs })
  const metadata = await MetadataLog.open(log)
  await metadata.set('a', 1)
  failOnce(fs, 'write', 'ENOSPC')
  await t.rejects(metadata.setAll([['a', 2], ['b', 2]]), { code: 'KAFKA_STORAGE_ERROR' })
  t.strictSame([metadata.get('a'), metadata.get('b')], [1, undefined])
  await metadata.set('b', 3)
  t.equal(metadata.get('b'), 3, 'and the next can be')
})

t.test('a value is not seen before it is durable', async t => {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log } = await openLog(null, { fs })
  const metadata = await MetadataLog.open(log)
  let seen: unknown = 'not asked'
  fs.before = ({ kind }) => { if (kind === 'sync') seen = metadata.get('a') }
  await metadata.set('a', 1)
  t.equal(seen, undefined)
  t.equal(metadata.get('a'), 1)
})

t.test('many changes of few keys stay small, and come back the same', async t => {
  const fs = new MemoryFileSystem()
  const open = metadataOn(fs, { segmentBytes: 2000, compacts: true, deletes: false, minCleanableDirtyRatio: 0 })
  const { metadata, log } = await open()
  for (let i = 0; i < 200; i++) await metadata.set(`key ${i % 5}`, i % 5 === 4 ? null : { i })
  const before = log.sizeBytes
  await compact(log, fs, { cleanedTo: 0 }, Date.now())
  t.ok(log.sizeBytes < before / 4, `${log.sizeBytes} of ${before} bytes`)
  await log.close()
  const again = await open()
  t.strictSame(new Map(again.metadata.entries('')), new Map(metadata.entries('')))
})
