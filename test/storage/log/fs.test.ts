/** The real file system. What it promises for after a crash cannot be tried here: that is its order of calls, and crash.test.ts. */
import t, { type Test } from 'tap'
import nodeFs, { existsSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { mock } from 'node:test'
import { join } from 'node:path'
import { ClosedFileError, realFileSystem as fs, withoutFirst } from '../../../storage/log/fs.ts'

/** More than one call of writev takes (IOV_MAX, 1024 on Linux). */
const MANY = 3000

/** Lets the disk take a few bytes at a time, as one that is nearly full may; 0 for none. */
function takeAtMost (t: Test, sizeBytes: number): void {
  const { writev, writevSync } = nodeFs
  const some = (chunks: readonly Buffer[]): Buffer[] => [Buffer.concat(chunks).subarray(0, sizeBytes)]
  mock.method(nodeFs, 'writevSync', (fd: number, chunks: readonly Buffer[], position: number) => writevSync(fd, some(chunks), position))
  // Where the last write took long, the next one is not made on the spot.
  mock.method(nodeFs, 'writev', (fd: number, chunks: readonly Buffer[], position: number, done: Parameters<typeof writev>[3]) =>
    writev(fd, some(chunks), position, done))
  t.teardown(() => mock.restoreAll())
}

t.test('a folder is made with those above it, and one that is there is left alone', async t => {
  const directory = join(t.testdir({ 'keep.txt': 'kept' }), 'a', 'b', 'c')
  await Promise.all([fs.makeDirectory(directory), fs.makeDirectory(directory), fs.makeDirectory(join(directory, 'd'))])
  t.ok(statSync(join(directory, 'd')).isDirectory())
  await fs.makeDirectory(t.testdirName)
  t.equal(readFileSync(join(t.testdirName, 'keep.txt'), 'utf8'), 'kept')
})

t.test('a folder cannot be where a file is, nor below one', async t => {
  const file = join(t.testdir({ file: 'text' }), 'file')
  await t.rejects(fs.makeDirectory(file), { code: 'EEXIST' })
  await t.rejects(fs.makeDirectory(join(file, 'a', 'b')), { code: 'ENOTDIR' })
  symlinkSync('nowhere', join(t.testdirName, 'link'))
  await t.rejects(fs.makeDirectory(join(t.testdirName, 'link')), { code: 'ENOENT' })
  t.equal(readFileSync(file, 'utf8'), 'text')
})

t.test('a folder that takes no other is refused at once', { skip: !existsSync('/proc/self'), timeout: 5000 }, async t => {
  await t.rejects(fs.makeDirectory('/proc/no-such-folder/data'), { code: 'ENOENT' })
})

t.test('a file is opened where it is, and created only where it is not', async t => {
  const path = join(t.testdir({ there: 'text' }), 'new')
  await t.rejects(fs.open(path), { code: 'ENOENT' })
  await t.rejects(fs.open(join(t.testdirName, 'there'), true), { code: 'EEXIST' })
  for (const create of [true, false]) await (await fs.open(path, create)).close()
  t.strictSame([await fs.size(path), await fs.size(join(t.testdirName, 'gone'))], [0, -1])
  t.strictSame((await fs.list(t.testdirName)).sort(), ['new', 'there'])
  t.strictSame(await fs.list(join(t.testdirName, 'gone')), [])
})

t.test('chunks are written one after the other, however many there are', async t => {
  const path = join(t.testdir(), 'file')
  const file = await fs.open(path, true)
  await file.write([Buffer.from('before')], 0)
  // Of different lengths, so that a call that stops in the middle of things would be seen.
  const chunks = Array.from({ length: MANY }, (_, i) => Buffer.from(`${i} `.repeat(i % 7)))
  await file.write(chunks, 3)
  await file.close()
  t.ok(readFileSync(path).equals(Buffer.concat([Buffer.from('bef'), ...chunks])))
})

t.test('a write that takes less than it was given goes on where it stopped, unless it takes nothing', async t => {
  const path = join(t.testdir(), 'file')
  const file = await fs.open(path, true)
  takeAtMost(t, 5)
  await file.write(['abc', '', 'defg', 'hijklmnopqrs', 't'].map(text => Buffer.from(text)), 2)
  t.equal(readFileSync(path, 'utf8'), '\0\0abcdefghijklmnopqrst')
  mock.restoreAll()
  takeAtMost(t, 0)
  await t.rejects(file.write([Buffer.from('x')], 0), { message: 'the file takes no more bytes' })
  await file.close()
})

t.test('a read goes as far as the file', async t => {
  const file = await fs.open(join(t.testdir({ file: 'abcdef' }), 'file'))
  const into = Buffer.alloc(4, '.')
  t.strictSame([await file.read(into, 4), String(into)], [2, 'ef..'])
  t.strictSame([await file.read(into, 0), String(into)], [4, 'abcd'])
  t.equal(await file.read(into, 6), 0)
  await file.truncate(2)
  await file.sync()
  t.equal(await file.read(into, 0), 2)
  await file.close()
})

t.test('closing waits for what is under way, and then nothing is done any more', async t => {
  const path = join(t.testdir(), 'file')
  const file = await fs.open(path, true)
  // In several calls: without waiting, the second would meet a descriptor that is closed, or another file's.
  takeAtMost(t, 5)
  const writing = file.write([Buffer.alloc(50)], 0)
  const order: string[] = []
  await Promise.all([writing.then(() => order.push('written')), file.close().then(() => order.push('closed')), file.close()])
  t.strictSame(order, ['written', 'closed'])
  t.equal(statSync(path).size, 50)
  await t.resolves(file.close(), 'more than once is harmless')
  const late: readonly (() => Promise<unknown>)[] = [
    () => file.write([Buffer.from('x')], 0), () => file.read(Buffer.alloc(1), 0), () => file.sync(), () => file.truncate(0)
  ]
  for (const operation of late) await t.rejects(operation(), ClosedFileError)
})

t.test('nothing is begun while it waits to be closed', async t => {
  const file = await fs.open(join(t.testdir({ file: 'abc' }), 'file'))
  const reading = file.read(Buffer.alloc(3), 0)
  const closing = file.close()
  await t.rejects(file.sync(), ClosedFileError)
  t.equal(await reading, 3)
  await closing
})

t.test('a small file is replaced as a whole', async t => {
  const path = join(t.testdir({ small: 'the old content, which is longer' }), 'small')
  await fs.replaceFile(path, 'new')
  t.equal(readFileSync(path, 'utf8'), 'new')
  await fs.replaceFile(path, Buffer.from([0, 255]))
  t.strictSame([...readFileSync(path)], [0, 255])
  t.strictSame(readdirSync(t.testdirName), ['small'], 'and leaves nothing beside it')
  await t.rejects(fs.replaceFile(join(t.testdirName, 'gone', 'small'), 'x'), { code: 'ENOENT' })
})

t.test('files and whole folders are removed, also where there are none', async t => {
  const folder = t.testdir({ full: { a: '', deep: { b: '' } }, file: 'x' })
  for (const name of ['full', 'file', 'gone']) await fs.remove(join(folder, name))
  t.strictSame(readdirSync(folder), [])
  await fs.syncDirectory(folder)
  await t.rejects(fs.syncDirectory(join(folder, 'gone')), { code: 'ENOENT' })
})

t.test('what is left of a write that took less than it was given', async t => {
  const chunks = ['ab', '', 'cde', 'f'].map(text => Buffer.from(text))
  const left = Array.from({ length: 7 }, (_, count) => withoutFirst(chunks, count).map(String))
  t.strictSame(left.map(texts => texts.join('')), ['abcdef', 'bcdef', 'cdef', 'def', 'ef', 'f', ''])
  t.strictSame([left[2], left[6]], [['cde', 'f'], []], 'what is through is not written again, not even as nothing')
  t.equal(withoutFirst(chunks, 3)[0]!.buffer, chunks[2]!.buffer, 'as views')
})
