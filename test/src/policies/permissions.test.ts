/**
 * The table of permissions, row by row: without what it says the request is refused as it says, with that alone it passes.
 */
import t from 'tap'
import { readFileSync } from 'node:fs'
import { apis } from '../../../protocol/apis.ts'
import { errorRow, errors, type ErrorName } from '../../../protocol/errors.ts'
import { writeResponse } from '../../../protocol/frame.ts'
import type { Api, RequestInput } from '../../../protocol/schema.ts'
import { errorVisitor } from '../../../src/policies/error-visitor.ts'
import { permissions, type Need, type Needs } from '../../../src/policies/permissions.ts'
import { permissionDocument } from '../../../scripts/permissions/document.ts'
import { openHouse } from './authorize-kit.ts'
import { samplesFor } from './permission-samples.ts'

const table = permissions as { readonly [api: string]: Needs }
const apiOf = (name: string): Api => apis.find(api => api.name === name)!
const authorisation: ReadonlySet<number> = new Set([29, 30, 31, 53, 65])
const names = { TOPIC: '*', GROUP: '*', TRANSACTIONAL_ID: '*', CLUSTER: 'kafka-cluster', DELEGATION_TOKEN: '*', USER: '*' }
const ruleOf = ({ operation, resourceType }: Need): string => `${operation} ${resourceType} ${names[resourceType]}`

function errorsIn (api: Api, response: unknown): ErrorName[] {
  const found = new Set<ErrorName>()
  errorVisitor(api.response)(response, code => found.add(errorRow(code).name))
  return [...found]
}

/** What one must be permitted for all but one of the rows of a request, without being permitted that one. */
function others (needs: Needs, but: string): string[] {
  const own = needs[but]!
  return Object.entries(needs).filter(([name, need]) => name !== but && !(need.operation === own.operation && need.resourceType === own.resourceType))
    .map(([, need]) => need)
    // Permission to do more would imply what is to be missing.
    .filter(need => !(own.operation === 'DESCRIBE' && own.resourceType === need.resourceType) && !isFor(own.unless, need))
    .map(ruleOf)
}

/** Where a request can say it only in some versions. */
const onlyIn: ReadonlyMap<string, readonly [number, number]> = new Map([['Metadata clusterOperations', [8, 10]], ['CreateDelegationToken owner', [3, 3]]])

const isFor = (one: Need | null, other: Need): boolean => one !== null && one.operation === other.operation && one.resourceType === other.resourceType

const samples = samplesFor(new Map())

t.test('every request has a row, and every row a request', async t => {
  t.same(Object.keys(table).sort(), apis.map(({ name }) => name).sort())
  const served = [29, 30, 31, 38, 39, 40, 41, 48, 49, 50, 51]
  for (const key of served) t.ok(apis.some(api => api.key === key && api.name in table), `${key} is there`)
  for (const [name, needs] of Object.entries(table)) {
    t.same(Object.keys(samples[name as keyof typeof samples]).sort(), Object.keys(needs).sort(), `${name} has a sample for each of its rows`)
  }
})

t.test('without it the request is refused, in every version; with it, it passes', async t => {
  const house = await openHouse(t, ['orders', 'doomed'])
  const samples = samplesFor(house.ids)
  for (const [name, needs] of Object.entries(table)) {
    const api = apiOf(name)
    for (const [which, need] of Object.entries(needs)) {
      const sample = (samples as unknown as Record<string, Record<string, RequestInput<Api>>>)[name]![which]!
      const [from, to] = onlyIn.get(`${name} ${which}`) ?? api.versions
      for (let version = from; version <= to; version++) {
        const what = `${name} v${version} without ${need.operation} on ${need.resourceType}`
        const without = await house.ask(others(needs, which), api, sample, version)
        // A refusal must fit its version.
        t.doesNotThrow(() => writeResponse(api, version, 0, without), what)
        if (need.denied === null) {
          t.notOk(JSON.stringify(without).includes(need.resourceType === 'GROUP' ? '"readers"' : '"orders"') && which === 'listed', what)
          t.same(house.denied, [], 'nobody is told')
          continue
        }
        if (which === 'configs') {
          t.equal((without as unknown as { topics: { topicConfigErrorCode: number }[] }).topics[0]!.topicConfigErrorCode, errors[need.denied], what)
          continue
        }
        t.same(errorsIn(api, without), [need.denied], what)
        t.equal(house.denied.length, 1, 'and it is told once')
        // Once is enough: what is permitted is done.
        if (version < to) continue
        for (const granted of [need, ...need.unless === null ? [] : [need.unless]]) {
          const withIt = await house.ask([...others(needs, which), ruleOf(granted)], api, sample, version)
          const refused = errorsIn(api, withIt).filter(error => authorisation.has(errors[error]))
          // What is missing for the other rows may be refused now, but not this.
          const left = Object.entries(needs).filter(([other, { denied }]) => other !== which && denied === need.denied).length > 0
          if (!left) t.same(refused, [], `${name} v${version} with ${granted.operation} on ${granted.resourceType}`)
        }
      }
    }
  }
})

// CVE-2026-41115: the documentation said READ where the code checked DESCRIBE.
t.test('CVE-2026-41115: docs/permissions.md is what is enforced', async t => {
  const committed = readFileSync(new URL('../../../docs/permissions.md', import.meta.url), 'utf8')
  t.equal(committed, permissionDocument(), 'run "npm run docs:permissions" and commit what it wrote')
})

t.test('the document names every request and every permission', async t => {
  const text = permissionDocument()
  for (const api of apis) t.match(text, new RegExp(`\\| \\[?${api.name}\\b`), api.name)
  for (const needs of Object.values(table)) for (const { operation, of } of Object.values(needs)) t.ok(text.includes(operation) && text.includes(of))
})
