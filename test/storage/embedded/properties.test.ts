import t from 'tap'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openProperties } from '../../../storage/embedded/properties.ts'
import { realFileSystem as fs } from '../../../storage/log/fs.ts'

t.test('a new folder gets an id of its own, and keeps it', async t => {
  const folder = t.testdir({ one: {}, other: {} })
  const one = join(folder, 'one')
  const other = join(folder, 'other')
  const first = await openProperties(fs, one)
  t.match(first, { clusterId: /^[\w-]{22}$/, nodeId: 1 })
  t.strictSame(await openProperties(fs, one), first)
  t.not((await openProperties(fs, other)).clusterId, first.clusterId)
  t.match(readFileSync(join(one, 'meta.properties'), 'utf8'), `cluster.id=${first.clusterId}\n`)
})

t.test('a file as Kafka writes it is read', async t => {
  const content = '#\n#Sat Nov 21 08:00:00 UTC 2026\ncluster.id=MkU3OEVBNTcwNTJENDM2Qg\nversion=1\ndirectory.id=xyz\nnode.id = 42\n'
  t.strictSame(await openProperties(fs, t.testdir({ 'meta.properties': content })), { clusterId: 'MkU3OEVBNTcwNTJENDM2Qg', nodeId: 42 })
})

t.test('a file that makes no sense is not made up for', async t => {
  for (const content of ['', 'cluster.id=abc\n', 'node.id=1\n', 'cluster.id=\nnode.id=1\n', 'cluster.id=abc\nnode.id=\n', 'cluster.id=abc\nnode.id=one\n',
    'cluster.id=abc\nnode.id=-1\n', 'cluster.id=abc\nnode.id=1.5\n']) {
    await t.rejects(openProperties(fs, t.testdir({ 'meta.properties': content })), /meta\.properties is damaged: it must hold/, JSON.stringify(content))
  }
})
