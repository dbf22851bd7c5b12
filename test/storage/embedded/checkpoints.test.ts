import t from 'tap'
import { Checkpoints } from '../../../storage/embedded/checkpoints.ts'
import { MetadataLog } from '../../../storage/embedded/metadata.ts'
import { Topics } from '../../../storage/embedded/topics.ts'
import { TailBudget } from '../../../storage/log/tail.ts'
import { batchOf } from '../../support/batches.ts'
import { FaultFileSystem } from '../../support/fault-fs.ts'
import { Watch, openLog } from '../../support/logs.ts'
import { MemoryFileSystem } from '../../support/memory-fs.ts'

const RECOVERY_POINTS = '/data/recovery-point-offset-checkpoint'
const START_OFFSETS = '/data/log-start-offset-checkpoint'

interface World {
  readonly fs: FaultFileSystem
  readonly topics: Topics
  readonly checkpoints: Checkpoints
  readonly contentOf: (path: string) => Promise<string>
}

async function world (): Promise<World> {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  const { log } = await openLog(null, { fs, directory: '/data/metadata' })
  const metadata = await MetadataLog.open(log)
  const topics = new Topics({
    fs,
    dataDirectory: '/data',
    metadata,
    defaults: { retentionMs: -1, segmentBytes: 1024 },
    partitionOptions: directory => ({ directory, fs, durability: 'fsync', tailBudget: new TailBudget(0), observer: new Watch() }),
    onDelete: async () => {}
  })
  return { fs, topics, checkpoints: new Checkpoints(fs, '/data'), contentOf: async path => String(await fs.readFile(path)) }
}

/** Topics of which one partition has a recovery point of 3 and begins at 2, and the other three have neither. */
async function filled (): Promise<World> {
  const made = await world()
  await made.topics.create('greetings', 2)
  await made.topics.create('a-1', 2)
  const { log } = made.topics.partition('a-1', 1)!
  log.append(batchOf(['0', '1', '2']))
  await log.committed(3)
  await log.rollNow()
  log.deleteBefore(2)
  return made
}

t.test('what is written is what the next start is told, with 0 for all that is not', async t => {
  const { fs, topics, checkpoints, contentOf } = await filled()
  await checkpoints.write(topics)
  t.equal(await contentOf(RECOVERY_POINTS), '0\n1\na-1 1 3\n', 'Kafka\'s file, without lines that say nothing')
  t.equal(await contentOf(START_OFFSETS), '0\n1\na-1 1 2\n')
  const next = new Checkpoints(fs, '/data')
  t.strictSame([next.recoveryPoint('a-1-1'), next.startOffset('a-1-1')], [0, 0], 'before they are read')
  await next.read()
  t.strictSame([next.recoveryPoint('a-1-1'), next.startOffset('a-1-1')], [3, 2])
  t.strictSame([next.recoveryPoint('greetings-0'), next.startOffset('a-1-0')], [0, 0])
})

t.test('start offsets can be written alone', async t => {
  const { fs, topics, checkpoints, contentOf } = await filled()
  await checkpoints.writeStartOffsets(topics)
  t.equal(await contentOf(START_OFFSETS), '0\n1\na-1 1 2\n')
  t.equal(await fs.size(RECOVERY_POINTS), -1)
})

t.test('without files nothing is known, and nothing is wrong', async t => {
  const { checkpoints } = await world()
  await checkpoints.read()
  t.strictSame([checkpoints.recoveryPoint('greetings-0'), checkpoints.startOffset('greetings-0')], [0, 0])
})

t.test('when everything is open, what the last run has left is forgotten', async t => {
  const { topics, checkpoints } = await filled()
  await checkpoints.write(topics)
  await checkpoints.read()
  await checkpoints.settle(topics)
  t.strictSame([checkpoints.recoveryPoint('a-1-1'), checkpoints.startOffset('a-1-1')], [0, 0])
})

t.test('and files that tell of what is gone are written anew: a topic that is made later inherits nothing', async t => {
  for (const path of [RECOVERY_POINTS, START_OFFSETS]) {
    for (const gone of ['gone 0', 'greetings 2', 'a 1', 'a-1 7']) {
      const { fs, topics, checkpoints, contentOf } = await filled()
      await fs.writeFile(path, Buffer.from(`0\n2\na-1 1 3\n${gone} 9\n`))
      await checkpoints.read()
      await checkpoints.settle(topics)
      t.notMatch(await contentOf(path), gone, `${gone} in ${path}`)
      t.match(await contentOf(path), 'a-1 1')
    }
  }
})

t.test('files that tell of nothing else are left alone', async t => {
  const { fs, topics, checkpoints } = await filled()
  await checkpoints.write(topics)
  await checkpoints.read()
  const before = fs.traceOf('replaceFile').length
  await checkpoints.settle(topics)
  t.equal(fs.traceOf('replaceFile').length, before)
})
