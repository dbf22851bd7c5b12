/**
 * Whatever is changed, by whichever of several stores, and read whenever: every one of them ends in the state that a naive
 * model has. (After a rule was removed among others, a Kafka forgot that there were more: CVE-2024-27309.)
 */
import t from 'tap'
import fc from 'fast-check'
import { isDeepStrictEqual } from 'node:util'
import { entryOf, type AccessChange } from '../../../src/access/entries.ts'
import { AccessStore } from '../../../src/access/store.ts'
import { ACCESS_TOPIC } from '../../../src/access/topic.ts'
import { openEngine } from '../../storage/embedded/support.ts'
import { changes } from './changes.ts'

const byText = (list: readonly unknown[]): string[] => list.map(one => JSON.stringify(one)).sort()

/** What a store knows, as the changes that would make it. */
function keysOf (store: AccessStore): string[] {
  return byText([
    ...Array.from(store.acls, (binding): AccessChange => ({ kind: 'acl', binding, present: true })),
    ...Array.from(store.users()).flatMap(({ name, mechanisms }) =>
      Array.from(mechanisms, ([mechanism, credential]): AccessChange => ({ kind: 'user', name, mechanism, credential }))),
    ...Array.from(store.tokens, (token): AccessChange => ({ kind: 'token', id: token.id, token })),
    ...Array.from(store.validation, ([topic, configs]): AccessChange => ({ kind: 'validation', topic, configs })),
    ...Array.from(store.quotas, ([entity, values]): AccessChange => ({ kind: 'quota', entity, values }))
  ].map(entryOf))
}

t.test('stores and model agree', async t => {
  const { engine, client } = await openEngine(t, t.testdir())
  await fc.assert(fc.asyncProperty(fc.array(fc.tuple(fc.nat(2), fc.array(changes, { minLength: 1, maxLength: 4 })), { maxLength: 12 }), async rounds => {
    const model = new Map<string, string>()
    let stores = await openAll()
    for (const [i, batch] of rounds) {
      await stores[i]!.apply(batch)
      for (const { key, value } of batch.map(entryOf)) {
        if (value === null) model.delete(key)
        else model.set(key, value)
      }
    }
    // A change of one's own is the last thing one reads: then all is there.
    for (const store of stores) await store.apply([{ kind: 'user', name: 'last', mechanism: 'SCRAM-SHA-256', credential: null }])
    const expected = byText(Array.from(model, ([key, value]) => ({ key, value })))
    const seen = stores.map(keysOf)
    await Promise.all(stores.map(store => store.close()))
    stores = await openAll()
    seen.push(...stores.map(keysOf))
    await Promise.all(stores.map(store => store.close()))
    await client.deleteTopic({ name: ACCESS_TOPIC })
    for (const keys of seen) if (!isDeepStrictEqual(keys, expected)) throw new Error(`${keys.join('\n')}\nbut should be\n${expected.join('\n')}`)
  }), { numRuns: 15 })
  t.pass('in every run')

  async function openAll (): Promise<AccessStore[]> {
    const stores = Array.from({ length: 3 }, () => new AccessStore(engine.dispatch))
    await Promise.all(stores.map(store => store.open()))
    return stores
  }
})
