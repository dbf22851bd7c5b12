import t from 'tap'
import { Checkpoint } from '../../../storage/log/checkpoint.ts'
import { FaultFileSystem, failOnce } from '../../support/fault-fs.ts'
import { MemoryFileSystem } from '../../support/memory-fs.ts'

const PATH = '/data/recovery-point-offset-checkpoint'

async function world (content?: string): Promise<{ fs: FaultFileSystem, checkpoint: Checkpoint }> {
  const fs = new FaultFileSystem(new MemoryFileSystem())
  await fs.makeDirectory('/data')
  if (content !== undefined) await fs.writeFile(PATH, Buffer.from(content))
  return { fs, checkpoint: new Checkpoint(fs, PATH) }
}

const readOf = async (content: string): Promise<[string, number][]> => [...await (await world(content)).checkpoint.read()]

const row = (offset: number, topic = 'greetings', partition = 0): { topic: string, partition: number, offset: number } => ({ topic, partition, offset })

t.test('the file is Kafka\'s: a version, a count, a line for each partition', async t => {
  const { fs, checkpoint } = await world()
  await checkpoint.write([row(42), row(0, 'a-b.c_d', 11), row(Number.MAX_SAFE_INTEGER, '__consumer_offsets')])
  t.equal(String(await fs.readFile(PATH)), '0\n3\ngreetings 0 42\na-b.c_d 11 0\n__consumer_offsets 0 9007199254740991\n')
  t.strictSame([...await checkpoint.read()], [['greetings-0', 42], ['a-b.c_d-11', 0], ['__consumer_offsets-0', Number.MAX_SAFE_INTEGER]])
  await checkpoint.write([])
  t.equal(String(await fs.readFile(PATH)), '0\n0\n')
  t.strictSame([...await checkpoint.read()], [])
})

t.test('one that Kafka has written is read', async t => {
  t.strictSame(await readOf('0\n2\ngreetings 0 5\ngreetings 1 7\n'), [['greetings-0', 5], ['greetings-1', 7]])
})

t.test('a file that is missing is empty', async t => {
  t.strictSame([...await (await world()).checkpoint.read()], [])
})

t.test('so is one that makes no sense', async t => {
  const wrong = {
    empty: '',
    'of another version': '1\n1\ngreetings 0 5\n',
    'without a version': 'greetings 0 5\n',
    'cut short': '0\n2\ngreetings 0 5\n',
    'too long': '0\n1\ngreetings 0 5\ngreetings 1 7\n',
    'without a count': '0\ngreetings 0 5\n',
    zeros: '\0'.repeat(64),
    'something else': '{"greetings": 5}'
  }
  for (const [what, content] of Object.entries(wrong)) t.strictSame(await readOf(content), [], what)
})

t.test('an offset that can be none is left out, the others are read', async t => {
  for (const offset of ['-1', 'five', '1.5', '9007199254740993', '']) {
    t.strictSame(await readOf(`0\n2\ngreetings 0${offset === '' ? '' : ` ${offset}`}\ngreetings 1 7\n`), [['greetings-1', 7]], offset)
  }
})

t.test('a checkpoint is replaced as a whole, and durably', async t => {
  const { fs, checkpoint } = await world()
  await checkpoint.write([row(1)])
  t.strictSame(fs.traceOf('replaceFile', 'writeFile', 'write'), ['replaceFile recovery-point-offset-checkpoint'])
  failOnce(fs, 'replaceFile', 'ENOSPC')
  await t.rejects(checkpoint.write([row(2)]), { code: 'ENOSPC' })
  t.strictSame([...await checkpoint.read()], [['greetings-0', 1]], 'the old one stays where it cannot be')
  await checkpoint.write([row(3)])
  t.strictSame([...await checkpoint.read()], [['greetings-0', 3]], 'and the next one is not kept from its turn')
})

t.test('writes do not overtake each other', async t => {
  const { fs, checkpoint } = await world()
  const began = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  let calls = 0
  fs.before = ({ kind }) => {
    if (kind !== 'replaceFile' || calls++ > 0) return
    began.resolve()
    return goOn.promise
  }
  const writing = [1, 2, 3].map(offset => checkpoint.write([row(offset)]))
  await began.promise
  await new Promise(resolve => setImmediate(resolve))
  t.equal(calls, 1)
  goOn.resolve()
  await Promise.all(writing)
  t.strictSame([...await checkpoint.read()], [['greetings-0', 3]])
})
