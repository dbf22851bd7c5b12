/** What refers to others, and stands for others, while those come and go. */
import t from 'tap'
import { readConfig } from '../../../src/schemas/config-entity.ts'
import type { SchemaContent } from '../../../src/schemas/model.ts'
import { fake } from './support/fake-format.ts'
import { newRegistry } from './support/registries.ts'

const user = (): SchemaContent => fake('a', { name: 'user', uses: ['base'], references: [{ name: 'base', subject: 'base', version: 1 }] })

t.test('what refers to something that comes back can be read again', async t => {
  const { registry } = await newRegistry(t)
  await registry.register('base', fake('b'))
  const { id } = await registry.register('user', user())
  registry.parsed(registry.schemaById(id))
  await registry.deleteSubject('user', false)
  await registry.deleteSubject('base', false)
  await registry.deleteSubject('base', true)
  t.throws(() => registry.parsed(registry.schemaById(id)), { name: 'SchemaError' })
  await registry.register('base', fake('b'))
  t.ok(registry.parsed(registry.schemaById(id)))
  t.match(registry.lookup('user', user(), { deleted: true }), { id })
})

t.test('what is deleted for good while somebody who refers to it waits is not referred to', async t => {
  const { registry } = await newRegistry(t)
  await registry.register('base', fake('b'))
  await registry.deleteSubject('base', false)
  for (let turns = 0; turns < 12; turns++) {
    const deletion = registry.deleteSubject('base', true)
    for (let i = 0; i < turns; i++) await Promise.resolve()
    const [deleted, registered] = await Promise.allSettled([deletion, registry.register('user', user())])
    t.not(deleted.status === 'fulfilled' && registered.status === 'fulfilled', true, `${turns} turns`)
    if (registered.status === 'fulfilled') t.ok(registry.parsed(registered.value))
    for (const subject of ['user', 'base']) for (const permanent of [false, true]) await registry.deleteSubject(subject, permanent).catch(() => {})
    await registry.register('base', fake('b'))
    await registry.deleteSubject('base', false)
  }
})

t.test('an alias is the name of a subject', async t => {
  const { registry } = await newRegistry(t)
  for (const alias of [':.:', ':.x:', '__GLOBAL', 'a\nb', 'x'.repeat(5000)]) {
    await t.rejects(registry.setConfig('a', readConfig({ alias })), { name: 'RegistryError', code: 42208 }, JSON.stringify(alias).slice(0, 20))
  }
  await registry.setConfig('a', readConfig({ alias: 'b' }))
  t.match(await registry.register('a', fake('x')), { subject: 'b', version: 1 })
})
