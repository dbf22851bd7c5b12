import t from 'tap'
import { anonymous, internalPrincipal, type Principal } from '../../../protocol/rpc.ts'
import { AclTable } from '../../../src/access/acls.ts'
import { AclAuthorizer, openAuthorizer, type AuthorizerOptions } from '../../../src/access/authorizer.ts'
import { operations, resourceTypes, type AclBinding, type Operation, type ResourceType } from '../../../src/access/model.ts'
import { modelDecides } from './acl-model.ts'

const alice: Principal = { type: 'User', name: 'alice' }
const HOST = '10.0.0.1'

const rule = (operation: Operation, resourceName: string, more: Partial<AclBinding> = {}): AclBinding => ({
  resourceType: 'TOPIC', resourceName, patternType: 'LITERAL', principal: 'User:alice', host: '*', operation, permission: 'ALLOW', ...more
})
const deny = (operation: Operation, resourceName: string, more: Partial<AclBinding> = {}): AclBinding =>
  rule(operation, resourceName, { permission: 'DENY', ...more })

function make (rules: readonly AclBinding[], options: Partial<AuthorizerOptions> = {}): { acls: AclTable, authorizer: AclAuthorizer } {
  const acls = new AclTable()
  for (const one of rules) acls.add(one)
  return { acls, authorizer: new AclAuthorizer(acls, { superUsers: new Set(), allowWithoutAcl: false, ...options }) }
}

/** The operations that alice may do to the topic. */
function mayDo (rules: readonly AclBinding[], topic = 'orders', host = HOST): string[] {
  const { authorizer } = make(rules)
  const names: Operation[] = ['READ', 'WRITE', 'CREATE', 'DELETE', 'ALTER', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS']
  return names.filter(operation => authorizer.decide(alice, host, operation, 'TOPIC', topic).allowed)
}

t.test('a decision says why', async t => {
  const rules = [rule('READ', 'orders'), deny('WRITE', 'orders')]
  const { authorizer } = make(rules, { superUsers: new Set(['User:root']) })
  t.same(authorizer.decide(alice, HOST, 'READ', 'TOPIC', 'orders'), { allowed: true, reason: 'allowed-by', binding: rules[0] })
  t.same(authorizer.decide(alice, HOST, 'WRITE', 'TOPIC', 'orders'), { allowed: false, reason: 'denied-by', binding: rules[1] })
  t.same(authorizer.decide(alice, HOST, 'DELETE', 'TOPIC', 'orders'), { allowed: false, reason: 'no-acl-matches', binding: null })
  t.same(authorizer.decide(alice, HOST, 'READ', 'TOPIC', 'else'), { allowed: false, reason: 'no-acl-matches', binding: null })
  t.same(authorizer.decide({ type: 'User', name: 'root' }, HOST, 'READ', 'TOPIC', 'orders'), { allowed: true, reason: 'super-user', binding: null })
  t.same(authorizer.decide(internalPrincipal, HOST, 'READ', 'TOPIC', 'orders'), { allowed: true, reason: 'internal', binding: null })
  t.same(openAuthorizer.decide(anonymous, HOST, 'READ', 'TOPIC', 'orders'), { allowed: true, reason: 'not-enforced', binding: null })
  t.equal(openAuthorizer.decide(internalPrincipal, HOST, 'READ', 'TOPIC', 'orders').reason, 'internal')
})

t.test('who calls himself the server is not the server', async t => {
  const { authorizer } = make([])
  t.equal(authorizer.decide({ ...internalPrincipal }, HOST, 'READ', 'TOPIC', 'orders').allowed, false)
})

t.test('super users may do what is denied; they are a type and a name', async t => {
  const { authorizer } = make([deny('ALL', '*', { principal: 'User:*' })], { superUsers: new Set(['User:root']) })
  const root: Principal = { type: 'User', name: 'root' }
  t.equal(authorizer.isSuperUser(root), true)
  t.equal(authorizer.isSuperUser({ type: 'Group', name: 'root' }), false)
  t.equal(authorizer.decide(root, HOST, 'ALTER', 'CLUSTER', 'kafka-cluster').allowed, true)
  t.equal(authorizer.decide({ type: 'Group', name: 'root' }, HOST, 'READ', 'TOPIC', 'orders').allowed, false)
})

t.test('what a permission implies', async t => {
  t.same(mayDo([rule('READ', 'orders')]), ['READ', 'DESCRIBE'])
  t.same(mayDo([rule('WRITE', 'orders')]), ['WRITE', 'DESCRIBE'])
  t.same(mayDo([rule('DELETE', 'orders')]), ['DELETE', 'DESCRIBE'])
  t.same(mayDo([rule('ALTER', 'orders')]), ['ALTER', 'DESCRIBE'])
  t.same(mayDo([rule('ALTER_CONFIGS', 'orders')]), ['DESCRIBE_CONFIGS', 'ALTER_CONFIGS'])
  t.same(mayDo([rule('CREATE', 'orders')]), ['CREATE'])
  t.same(mayDo([rule('DESCRIBE', 'orders')]), ['DESCRIBE'])
  t.equal(mayDo([rule('ALL', 'orders')]).length, 8)
})

t.test('any rule that denies wins, and implies nothing', async t => {
  const all = rule('ALL', '*', { principal: 'User:*' })
  t.same(mayDo([all, deny('ALL', 'orders')]), [])
  t.notOk(mayDo([all, deny('READ', 'ord', { patternType: 'PREFIXED' })]).includes('READ'))
  t.ok(mayDo([all, deny('READ', 'orders')]).includes('DESCRIBE'), 'who may not read may describe')
  t.same(mayDo([all, deny('READ', 'orders')]).length, 7)
  t.same(mayDo([rule('READ', 'orders'), deny('DESCRIBE', 'orders')]), ['READ'], 'only describing is denied')
  t.same(mayDo([rule('READ', 'orders'), deny('READ', '*', { principal: 'User:*' })]), ['DESCRIBE'])
  t.ok(mayDo([all, deny('ALL', 'orders', { principal: 'User:bob' })]).includes('READ'), 'somebody else is denied')
})

t.test('hosts and principals are exact, or everyone', async t => {
  t.same(mayDo([rule('READ', 'orders', { host: HOST })]), ['READ', 'DESCRIBE'])
  t.same(mayDo([rule('READ', 'orders', { host: '10.0.0.2' })]), [])
  t.same(mayDo([rule('READ', 'orders'), deny('READ', 'orders', { host: '10.0.0.2' })]), ['READ', 'DESCRIBE'])
  t.same(mayDo([rule('READ', 'orders'), deny('READ', 'orders', { host: '10.0.0.2' })], 'orders', '10.0.0.2'), ['DESCRIBE'])
  t.same(mayDo([rule('READ', 'orders', { principal: 'User:al' })]), [])
  t.same(mayDo([rule('READ', 'orders', { principal: 'Group:alice' })]), [])
  t.same(mayDo([rule('READ', 'orders', { principal: 'User:*' })]), ['READ', 'DESCRIBE'])
})

t.test('allowWithoutAcl is about resources that no rule speaks of, whoever it is for', async t => {
  const { authorizer } = make([rule('READ', 'orders', { principal: 'User:bob' }), rule('READ', 'a', { patternType: 'PREFIXED', principal: 'User:bob' })],
    { allowWithoutAcl: true })
  t.same(authorizer.decide(alice, HOST, 'READ', 'TOPIC', 'free'), { allowed: true, reason: 'allowed-without-acl', binding: null })
  t.equal(authorizer.decide(alice, HOST, 'READ', 'TOPIC', 'orders').allowed, false)
  t.equal(authorizer.decide(alice, HOST, 'READ', 'TOPIC', 'abc').allowed, false)
})

t.test('a decision is remembered until a rule changes', async t => {
  const { acls, authorizer } = make([rule('READ', 'orders')])
  const first = authorizer.decide(alice, HOST, 'READ', 'TOPIC', 'orders')
  t.equal(authorizer.decide(alice, HOST, 'READ', 'TOPIC', 'orders'), first, 'the same object')
  t.equal(authorizer.decide({ ...alice }, HOST, 'READ', 'TOPIC', 'orders').allowed, true, 'another connection of the same user')
  acls.add(deny('READ', 'orders'))
  t.equal(authorizer.decide(alice, HOST, 'READ', 'TOPIC', 'orders').allowed, false)
  acls.remove(deny('READ', 'orders'))
  t.equal(authorizer.decide(alice, HOST, 'READ', 'TOPIC', 'orders').allowed, true)
})

t.test('strangers cannot fill the memory of decisions', async t => {
  const { authorizer } = make([rule('READ', 'orders')])
  const first = authorizer.decide(alice, HOST, 'READ', 'TOPIC', 'orders')
  for (let i = 0; i < 65_535; i++) authorizer.decide(alice, HOST, 'READ', 'TOPIC', `made-up-${i}`)
  t.equal(authorizer.decide(alice, HOST, 'READ', 'TOPIC', 'orders'), first)
  authorizer.decide(alice, HOST, 'READ', 'TOPIC', 'one too many')
  t.not(authorizer.decide(alice, HOST, 'READ', 'TOPIC', 'orders'), first, 'it was forgotten, with all the rest')
  for (let i = 0; i < 2000; i++) authorizer.decide(anonymous, `10.1.${i >> 8}.${i & 255}`, 'READ', 'TOPIC', 'orders')
  t.equal(authorizer.decide(alice, HOST, 'READ', 'TOPIC', 'x'.repeat(30_000)).allowed, false)
})

t.test('an operation that is allowed on some resource', async t => {
  const may = (rules: readonly AclBinding[], options: Partial<AuthorizerOptions> = {}, host = HOST): boolean =>
    make(rules, options).authorizer.mayAnywhere(alice, host, 'WRITE', 'TOPIC')
  const prefixed = { patternType: 'PREFIXED' } as const
  t.equal(may([]), false)
  t.equal(may([], { allowWithoutAcl: true }), true)
  t.equal(may([], { superUsers: new Set(['User:alice']) }), true)
  t.equal(may([rule('WRITE', 'orders')]), true)
  t.equal(may([rule('ALL', 'orders')]), true)
  t.equal(may([rule('READ', 'orders')]), false)
  t.equal(may([rule('WRITE', 'orders', { resourceType: 'GROUP' })]), false)
  t.equal(may([rule('WRITE', 'orders', { host: '10.0.0.2' })]), false)
  t.equal(may([rule('WRITE', 'orders', { principal: 'User:bob' })]), false)
  t.equal(may([rule('WRITE', '*', { principal: 'User:*' })]), true)
  t.equal(may([rule('WRITE', 'orders'), deny('WRITE', 'orders')]), false)
  t.equal(may([rule('WRITE', 'orders'), deny('READ', 'orders')]), true)
  t.equal(may([rule('WRITE', 'orders'), deny('WRITE', 'ord', prefixed)]), false)
  t.equal(may([rule('WRITE', 'orders'), deny('ALL', '*')]), false)
  t.equal(may([rule('WRITE', 'ord', prefixed), deny('WRITE', 'ord')]), true, 'one name less is still many')
  t.equal(may([rule('WRITE', 'ord', prefixed), deny('WRITE', 'ord', prefixed)]), false)
  t.equal(may([rule('WRITE', 'ord', prefixed), deny('WRITE', 'orders', prefixed)]), true)
  t.equal(may([rule('WRITE', '*'), deny('WRITE', 'a', prefixed)]), true)
  const { acls, authorizer } = make([])
  t.equal(authorizer.mayAnywhere(alice, HOST, 'WRITE', 'TOPIC'), false)
  acls.add(rule('WRITE', 'orders'))
  t.equal(authorizer.mayAnywhere(alice, HOST, 'WRITE', 'TOPIC'), true, 'a new rule counts at once')
  t.equal(authorizer.mayAnywhere(alice, HOST, 'WRITE', 'TOPIC'), true)
  t.equal(authorizer.mayAnywhere(internalPrincipal, HOST, 'DELETE', 'GROUP'), true)
  t.equal(openAuthorizer.mayAnywhere(alice, HOST, 'WRITE', 'TOPIC'), true)
})

// CVE-2024-27309: after rules were removed, a rule that denied was overlooked.
t.test('CVE-2024-27309: 100,000 decisions over rules that come and go are those of the model', async t => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  let state = seed
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return Math.floor((state / 0x80000000) * below)
  }
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!
  const names = ['a', 'ab', 'abc', 'abd', 'abcde', 'b', 'ba', '*', 'kafka-cluster', 'abcdef-and-more']
  const patterns = [...names, 'abcd', 'bab', 'k']
  const principals: Principal[] = ['alice', 'bob', 'carol', 'root'].map(name => ({ type: 'User', name }))
  const hosts = [HOST, '10.0.0.2', '::1']
  const types = Object.keys(resourceTypes) as ResourceType[]
  const all = Object.keys(operations) as Operation[]
  const binding = (): AclBinding => ({
    resourceType: pick(types.slice(0, 3)),
    resourceName: pick(patterns),
    patternType: random(3) === 0 ? 'PREFIXED' : 'LITERAL',
    principal: pick(['User:alice', 'User:bob', 'User:carol', 'User:*', 'Group:alice']),
    host: pick(['*', '*', ...hosts]),
    operation: pick(all.slice(0, 10)),
    permission: random(3) === 0 ? 'DENY' : 'ALLOW'
  })
  let asked = 0
  let allowed = 0
  for (const allowWithoutAcl of [false, true]) {
    const options = { superUsers: new Set(['User:root']), allowWithoutAcl }
    const acls = new AclTable()
    const authorizer = new AclAuthorizer(acls, options)
    let bindings: AclBinding[] = []
    for (let round = 0; round < 2500; round++) {
      const before = bindings.length
      // More come while there are few, more go while there are many; now and then all but a few.
      if (random(100) === 0) {
        for (const one of bindings.splice(2)) if (!acls.remove(one)) t.fail('a rule was not there')
      } else if (random(40) >= bindings.length) {
        const one = binding()
        const isNew = !bindings.some(other => JSON.stringify(other) === JSON.stringify(one))
        if (acls.add(one) !== isNew) t.fail('add says what it should not')
        if (isNew) bindings.push(one)
      } else {
        const [gone] = bindings.splice(random(bindings.length), 1)
        if (!acls.remove({ ...gone! })) t.fail('a rule was not there')
      }
      if (acls.size !== bindings.length) t.fail(`${acls.size} rules instead of ${bindings.length}, after ${before}`)
      for (let i = 0; i < 20; i++) {
        const principal = pick(principals)
        const host = pick(hosts)
        const operation = pick(all.slice(1))
        const resourceType = pick(types.slice(0, 4))
        const resourceName = pick(names)
        const decision = authorizer.decide(principal, host, operation, resourceType, resourceName)
        const expected = modelDecides(bindings, { principal: `User:${principal.name}`, host, operation, resourceType, resourceName }, options)
        asked++
        if (decision.allowed) allowed++
        if (decision.allowed === expected) continue
        t.fail('a decision differs', { seed, principal, host, operation, resourceType, resourceName, decision, bindings })
        bindings = []
        return
      }
    }
    t.same(new Set([...acls].map(one => JSON.stringify(one))), new Set(bindings.map(one => JSON.stringify(one))))
  }
  t.equal(asked, 100_000)
  t.ok(allowed > 20_000 && allowed < 80_000, `${allowed} were allowed`)
})
