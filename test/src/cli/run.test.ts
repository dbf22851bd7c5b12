/**
 * The commands against a server that remembers what it was asked, and says what it is told to.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { run } from '../../../src/cli/run.ts'
import { parseCredentials } from '../../../src/config/credentials.ts'
import { createAuthority } from '../../support/certificates.ts'

interface Asked {
  readonly method: string
  readonly path: string
  readonly query: Record<string, string>
  readonly authorization: string
  readonly body: unknown
}

interface Answer { readonly status?: number, readonly body?: unknown }

const CLUSTER = '/v3/clusters/abc'

class World {
  readonly asked: Asked[] = []
  /** By method and path. */
  answers: Record<string, Answer> = {}
  url = ''

  static async open (t: Test, tls?: { cert: string, key: string }): Promise<World> {
    const world = new World()
    const serve = async (request: IncomingMessage): Promise<Answer> => {
      let text = ''
      for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) text += chunk
      const { pathname, searchParams } = new URL(request.url!, 'http://x')
      const { authorization = '' } = request.headers
      const name = `${request.method} ${pathname}`
      if (name === 'GET /v3/clusters') return { body: { data: [{ cluster_id: 'abc' }] } }
      world.asked.push({
        method: request.method!, path: pathname, query: Object.fromEntries(searchParams), authorization, body: text === '' ? null : JSON.parse(text) as unknown
      })
      return world.answers[name] ?? { status: 204 }
    }
    const server = (tls === undefined ? createServer() : createTlsServer(tls)).on('request', (request: IncomingMessage, response) => {
      serve(request).then(({ status = 200, body }) => response.writeHead(status).end(body === undefined ? '' : JSON.stringify(body)), () => response.destroy())
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    world.url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as { port: number }).port}`
    return world
  }

  async run (line: string, { stdin = '', user = 'admin:hunter2', url = this.url }: { stdin?: string, user?: string | null, url?: string | null } = {}) {
    const out = { code: 0, stdout: '', stderr: '' }
    const argv = [...line.split(' ').filter(word => word !== ''), ...url === null ? [] : ['--url', url]]
    out.code = await run(argv, {
      stdin: Readable.from([stdin]),
      stdout: { write: (text: string) => { out.stdout += text } },
      stderr: { write: (text: string) => { out.stderr += text } }
    }, () => user === null ? null : parseCredentials(user))
    return out
  }
}

const acl = {
  resource_type: 'TOPIC', resource_name: 'orders', pattern_type: 'LITERAL', principal: 'User:alice', host: '*', operation: 'READ', permission: 'ALLOW'
}

t.test('users: list, put with the password of standard input, delete', async t => {
  const world = await World.open(t)
  world.answers['GET /users'] = {
    body: [{ name: 'alice', credentials: [{ mechanism: 'SCRAM-SHA-256', iterations: 8192 }] }, { name: 'b\u001b[2J', credentials: [] }]
  }
  const list = await world.run('users list')
  t.equal(list.stdout, 'USER        MECHANISMS\nalice       SCRAM-SHA-256 (8192 iterations)\nb\\u{1b}[2J\n')
  t.equal(world.asked[0]!.authorization, `Basic ${Buffer.from('admin:hunter2').toString('base64')}`)
  t.same(JSON.parse((await world.run('users list --json')).stdout)[0].name, 'alice')

  const put = await world.run('users put alice/x --mechanism scram-sha-512 --iterations 4096', { stdin: 'pass word\n' })
  t.same(put, { code: 0, stdout: 'alice/x can log in with this password.\n', stderr: '' })
  t.match(world.asked.at(-1), { method: 'PUT', path: '/users/alice%2Fx', body: { password: 'pass word', mechanisms: ['SCRAM-SHA-512'], iterations: 4096 } })
  const file = join(t.testdir({ password: 'from file\n' }), 'password')
  await world.run(`users put bob --password-file ${file}`)
  t.same(world.asked.at(-1)!.body, { password: 'from file' })
  t.equal((await world.run('users delete bob')).stdout, 'bob is deleted.\n')
  t.match(world.asked.at(-1), { method: 'DELETE', path: '/users/bob' })
})

t.test('a password never comes from the line, and is not printed if it does', async t => {
  const world = await World.open(t)
  for (const line of ['users put alice secret-canary', 'users put alice --password secret-canary', 'users put alice --password=secret-canary']) {
    const { code, stdout, stderr } = await world.run(line, { stdin: 'x' })
    t.equal(code, 2, line)
    t.notMatch(stdout + stderr, 'secret-canary')
  }
  for (const stdin of ['', '\n', 'two\nlines', 'x'.repeat(2000)]) {
    t.equal((await world.run('users put alice', { stdin })).code, 2, JSON.stringify(stdin.slice(0, 9)))
  }
  t.equal(world.asked.length, 0)
})

t.test('acls: add one, add several at once, list, remove', async t => {
  const world = await World.open(t)
  const add = await world.run('acls add --principal alice --operation read --topic orders')
  t.equal(add.stdout, 'PRINCIPAL   HOST  PERMISSION  OPERATION  RESOURCE  NAME    PATTERN\n' +
    'User:alice  *     ALLOW       READ       TOPIC     orders  LITERAL\n')
  t.match(world.asked, [{ method: 'POST', path: `${CLUSTER}/acls`, body: acl }])
  await world.run('acls add --principal User:* --operation write,DESCRIBE --topic logs- --prefixed --host 10.0.0.1 --deny')
  t.match(world.asked.at(-1), { method: 'POST', path: `${CLUSTER}/acls:batch` })
  const denied = { resource_name: 'logs-', pattern_type: 'PREFIXED', principal: 'User:*', host: '10.0.0.1', permission: 'DENY' }
  t.match(world.asked.at(-1)!.body, { data: [{ ...denied, operation: 'WRITE' }, { ...denied, operation: 'DESCRIBE' }] })
  await world.run('acls add --principal alice --operation alter --cluster')
  t.match(world.asked.at(-1)!.body, { resource_type: 'CLUSTER', resource_name: 'kafka-cluster' })

  world.answers[`GET ${CLUSTER}/acls`] = { body: { data: [acl] } }
  t.match((await world.run('acls list --topic orders')).stdout, /\nUser:alice .* orders {2}LITERAL\n$/)
  t.same(world.asked.at(-1)!.query, { resource_type: 'TOPIC', resource_name: 'orders' })
  t.same(JSON.parse((await world.run('acls list --json')).stdout), [acl])

  world.answers[`DELETE ${CLUSTER}/acls`] = { body: { data: [] } }
  t.equal((await world.run('acls remove --principal alice')).stdout, 'There were no such rules.\n')
  t.same(world.asked.at(-1)!.query, { principal: 'User:alice', resource_type: 'ANY', pattern_type: 'ANY', operation: 'ANY', permission: 'ANY' })
  t.match(await world.run('acls remove'), { code: 2, stderr: /^barnabas: Say which rules/ })
})

t.test('acls: why somebody may or may not', async t => {
  const world = await World.open(t)
  world.answers[`GET ${CLUSTER}/acls:explain`] = { body: { allowed: false, reason: 'denied-by', acl: { ...acl, permission: 'DENY' } } }
  const denied = await world.run('acls explain --principal alice --operation read --topic orders --host 10.0.0.1')
  t.match(denied, { code: 0, stdout: /^User:alice may not READ TOPIC orders from 10\.0\.0\.1: this rule denies it\.\n\nPRINCIPAL .*\nUser:alice .*DENY/ })
  t.same(world.asked.at(-1)!.query, { principal: 'User:alice', host: '10.0.0.1', operation: 'READ', resource_type: 'TOPIC', resource_name: 'orders' })
  world.answers[`GET ${CLUSTER}/acls:explain`] = { body: { allowed: true, reason: 'super-user', acl: null } }
  t.equal((await world.run('acls explain --principal admin --operation alter --cluster')).stdout,
    'User:admin may ALTER CLUSTER kafka-cluster from 127.0.0.1: they are a super user.\n')
})

t.test('quotas: list, set beside what there is, remove some or all', async t => {
  const world = await World.open(t)
  world.answers['GET /quotas'] = {
    body: [
      { entity: { user: 'alice' }, quotas: { producer_byte_rate: 1024, request_percentage: 50 } },
      { entity: { ip: null }, quotas: { connection_creation_rate: 5 } }
    ]
  }
  t.equal((await world.run('quotas list')).stdout, [
    'FOR           QUOTA                     LIMIT',
    'user=alice    producer_byte_rate        1024 bytes a second',
    'user=alice    request_percentage        50 % of one core',
    'ip=<default>  connection_creation_rate  5 connections a second',
    ''
  ].join('\n'))
  t.notMatch((await world.run('quotas list --default-ip')).stdout, 'alice')
  const set = await world.run('quotas set consumer_byte_rate=10MiB --user alice')
  t.match(set.stdout, /^user=alice: .*consumer_byte_rate 10485760 bytes a second\.\n$/)
  t.same(world.asked.at(-1)!.body, { entity: { user: 'alice' }, quotas: { producer_byte_rate: 1024, request_percentage: 50, consumer_byte_rate: 10_485_760 } })
  await world.run('quotas set producer_byte_rate=1 --user bob --default-client-id')
  t.same(world.asked.at(-1)!.body, { entity: { user: 'bob', 'client-id': null }, quotas: { producer_byte_rate: 1 } })
  await world.run('quotas remove request_percentage --user alice')
  t.same(world.asked.at(-1)!.body, { entity: { user: 'alice' }, quotas: { producer_byte_rate: 1024 } })
  t.equal((await world.run('quotas remove --user alice')).stdout, 'user=alice: no quota.\n')
  t.same(world.asked.at(-1)!.body, { entity: { user: 'alice' }, quotas: {} })
})

t.test('what cannot be meant ends with 2, says what to do, and asks nobody', async t => {
  const world = await World.open(t)
  const wrong: ReadonlyArray<readonly [line: string, sentence: RegExp]> = [
    ['users', /^$/], ['users lst', /Did you mean "users list"\?/], ['users put', /NAME is missing/], ['users delete a b', /too much on the line/],
    ['users list x', /too much on the line/],
    ['users list --jsn', /There is no option --jsn\. Did you mean --json\?/], ['users list --json=1', /takes no value/],
    ['users put a --iterations many', /whole number from 4096/],
    ['acls add --principal a --operation read', /Say what it is about/], ['acls add --topic a --operation read', /--principal User:NAME is missing/],
    ['acls add --principal a --topic a', /--operation OPERATION,\.\.\. is missing/],
    ['acls add --principal a --topic a --group b --operation read', /one resource/],
    ['acls add --principal a --topic a --operation reed', /Did you mean READ\?/],
    ['acls add --principal Group:a --topic a --operation read', /expected User:NAME/],
    ['acls add --principal a --principal b --topic a --operation read', /given twice/], ['acls add --principal --topic a', /--principal needs a value/],
    ['quotas set producer_byte_rate=1', /Say for whom/], ['quotas set --user a', /QUOTA=LIMIT\.\.\. is missing/],
    ['quotas set --user a speed=1', /There is no quota/],
    ['quotas set --user a producer_byterate=1', /Did you mean producer_byte_rate\?/],
    ['quotas set --user a producer_byte_rate=fast', /expected a number of bytes/],
    ['quotas set --user a request_percentage=0', /above 0/],
    ['quotas set --ip 10.0.0.1 --user a request_percentage=1', /--ip: an address has quotas of its own/],
    ['quotas set --user a --default-user request_percentage=1', /one of the two/],
    ['users list --credentials-file /nowhere', /--credentials-file: .*ENOENT/], ['users list --ca /nowhere', /--ca: ENOENT/]
  ]
  for (const [line, sentence] of wrong) {
    const { code, stderr } = await world.run(line, { url: line === 'users' ? null : world.url, stdin: 'x' })
    t.equal(code, line === 'users' ? 0 : 2, line)
    t.match(stderr, sentence, line)
  }
  for (const url of ['ftp://127.0.0.1', 'nowhere', 'http://admin:hunter2@127.0.0.1:1']) {
    const { code, stderr } = await world.run('users list', { url })
    t.equal(code, 2)
    t.notMatch(stderr, 'hunter2')
  }
  t.match(await world.run('users list', { url: 'http://log.example.com:8082' }), { code: 2, stderr: /unencrypted\. Use https:\/\/, or add --insecure/ })
  t.equal(world.asked.length, 0)
})

t.test('what the server refuses ends with 1, with its sentence and what is missing', async t => {
  const world = await World.open(t)
  const missing = { operation: 'ALTER', resourceType: 'CLUSTER', resourceName: 'kafka-cluster' }
  world.answers['PUT /users/a'] = { status: 403, body: { title: 'Forbidden', detail: 'Not authorised.', missing } }
  t.same(await world.run('users put a', { stdin: 'x' }), {
    code: 1, stdout: '', stderr: 'barnabas: Not authorised. Missing: ALTER on CLUSTER kafka-cluster.\n'
  })
  world.answers['PUT /users/a'] = { status: 403, body: { detail: 'This needs ALTER on the cluster kafka-cluster.', missing } }
  t.equal((await world.run('users put a', { stdin: 'x' })).stderr, 'barnabas: This needs ALTER on the cluster kafka-cluster.\n')
  world.answers[`POST ${CLUSTER}/acls`] = { status: 403, body: { error_code: 40301, message: 'Not authorised: this needs ALTER.' } }
  t.match(await world.run('acls add --principal a --operation read --topic t'), { code: 1, stderr: 'barnabas: Not authorised: this needs ALTER.\n' })
  world.answers['GET /users'] = { status: 401, body: { detail: 'Credentials are needed.' } }
  t.match((await world.run('users list', { user: null })).stderr, /^barnabas: Credentials are needed\. Say who asks: BARNABAS_CLI_USER=/)
  t.equal(world.asked.at(-1)!.authorization, '')
  t.equal((await world.run('users list')).stderr, 'barnabas: Credentials are needed.\n')
  world.answers['GET /users'] = { status: 502 }
  t.match((await world.run('users list')).stderr, 'status 502')
  const nobody = /^barnabas: Nothing listens at http:\/\/127\.0\.0\.1:1\. Start Barnabas/
  t.match(await world.run('users list', { url: 'http://127.0.0.1:1' }), { code: 1, stderr: nobody })
})

t.test('over TLS, with the authority that signed the certificate', async t => {
  const authority = await createAuthority()
  const world = await World.open(t, await authority.server())
  world.answers['GET /users'] = { body: [] }
  const ca = join(t.testdir({ 'ca.pem': authority.cert }), 'ca.pem')
  t.same(await world.run(`users list --ca ${ca}`), { code: 0, stdout: 'There are no users.\n', stderr: '' })
  t.match(await world.run('users list'), { code: 1, stderr: /is not trusted \(\w+\)\. Name the authority that signed it with --ca FILE\.\n$/ })
  t.match(await world.run('users list', { url: world.url.replace('https', 'http') }), { code: 1, stderr: /does not speak plain HTTP\. Try https:/ })
})

t.test('who asks may stand in a file', async t => {
  const world = await World.open(t)
  world.answers['GET /users'] = { body: [] }
  const file = join(t.testdir({ credentials: 'carol:x:y\n' }), 'credentials')
  await world.run(`users list --credentials-file ${file}`)
  t.equal(world.asked[0]!.authorization, `Basic ${Buffer.from('carol:x:y').toString('base64')}`)
})

t.test('every command has a help of at most 80 columns', async t => {
  const world = await World.open(t)
  for (const group of ['users', 'acls', 'quotas', 'schema']) {
    const { stdout } = await world.run(`${group} --help`, { url: null })
    const commands = Array.from(stdout.matchAll(/^ {2}([a-z]+)/gm), ([, name]) => name!)
    t.ok(commands.length >= 3)
    for (const command of commands) {
      const help = await world.run(`${group} ${command} --help`, { url: null })
      t.equal(help.code, 0)
      t.match(help.stdout, `Usage: barnabas ${group} ${command}`)
      for (const line of help.stdout.split('\n')) t.ok(line.length <= 80, line)
    }
  }
})

t.test('schemas: registered, listed, checked, compared', async t => {
  const world = await World.open(t)
  const folder = t.testdir({ 'person.avsc': '"string"', 'person.txt': '"string"' })
  const avsc = join(folder, 'person.avsc')
  world.answers = {
    'POST /subjects/p-value/versions': { body: { id: 7 } },
    'POST /subjects/p-value': { body: { subject: 'p-value', version: 2, id: 7 } },
    'GET /schemas': {
      body: [{ subject: 'p-value', version: 2, id: 7, schema: '"string"' }, { subject: 'p-value2', version: 1, id: 8, schema: '{}', schemaType: 'JSON' }]
    },
    'GET /config/p-value': { body: { compatibilityLevel: 'FULL_TRANSITIVE' } },
    'GET /subjects': { body: ['p-value'] },
    'GET /subjects/p-value/versions': { body: [1, 2] },
    'POST /compatibility/subjects/p-value/versions': {
      body: {
        is_compatible: false,
        messages: ["{errorType:'TYPE_MISMATCH', description:'it's another', additionalInfo:'x'}", '{oldSchemaVersion: 2}', "{oldSchema: 'y'}"]
      }
    },
    'GET /subjects/p-value/versions/1/diff/latest': { body: { from: 1, to: 2, compatibility: 'Each can read the other.', changes: ['a was added: int.'] } }
  }
  const registered = await world.run(`schema register ${avsc} --subject p-value --reference common=c-value:3`)
  t.match(registered, { code: 0, stdout: 'p-value version 2, id 7.\n' })
  t.match(world.asked[0], { body: { schema: '"string"', schemaType: 'AVRO', references: [{ name: 'common', subject: 'c-value', version: 3 }] } })
  t.match((await world.run('schema list --subject p-value')).stdout, /^SUBJECT +VERSION +ID +TYPE\np-value +2 +7 +AVRO\n$/)
  const checked = await world.run(`schema check ${avsc} --subject p-value`)
  t.match(checked, {
    code: 1,
    stdout: /is not compatible: level FULL_TRANSITIVE of p-value, against versions 1, 2\.\n {2}- it's another\n {2}\(compared with version 2\)\n$/,
    stderr: /would be refused under p-value/
  })
  const of = async (subject: string): Promise<string> => {
    const { stdout } = await world.run(`schema check ${avsc} --subject ${subject}`)
    return stdout.slice(avsc.length, stdout.indexOf('\n'))
  }
  const verdict = { body: { is_compatible: true } }
  Object.assign(world.answers, {
    'POST /compatibility/subjects/%3A.%3Ap-value/versions': verdict,
    'GET /config/%3A.%3Ap-value': { body: { compatibilityLevel: 'FULL' } },
    'POST /compatibility/subjects/nick/versions': verdict,
    'GET /config/nick': { body: { compatibilityLevel: 'NONE', alias: 'p-value' } },
    'POST /compatibility/subjects/new/versions': verdict,
    'GET /config/new': { body: { compatibilityLevel: 'NONE' } },
    'POST /compatibility/subjects/shut/versions': verdict,
    'GET /config/shut': { status: 403, body: { error_code: 40301, message: 'Not authorised: this needs DESCRIBE_CONFIGS on the topic shut.' } }
  })
  t.equal(await of(':.:p-value'), ' is compatible: level FULL of :.:p-value, against version 2.')
  t.equal(await of('nick'), ' is compatible: level FULL_TRANSITIVE of p-value, which nick stands for, against versions 1, 2.')
  t.equal(await of('new'), ' is compatible: new has no version yet.')
  t.equal(await of('shut'), ' is compatible: the level of shut is not told. Not authorised: this needs DESCRIBE_CONFIGS on the topic shut.')
  t.match(JSON.parse((await world.run(`schema check ${avsc} --subject shut --json`)).stdout), { is_compatible: true, level: null, versions: null })
  world.answers['POST /compatibility/subjects/gone/versions'] = { status: 403, body: { error_code: 40301, message: 'Not authorised.' } }
  t.match(await world.run(`schema check ${avsc} --subject gone`), { code: 1, stdout: '', stderr: /Not authorised\./ }, 'no verdict, nothing to say')
  t.match(await world.run(`schema check ${avsc} --subject p-value --normalize`), { code: 2, stderr: /--normalize/ }, 'it would make no difference')
  await world.run(`schema register ${avsc} --subject p-value --normalize`)
  t.same(world.asked.at(-1)!.query, { normalize: 'true' })
  t.match((await world.run('schema diff --subject p-value --from 1')).stdout, /version 1 to 2: Each can read the other\.\n {2}a was added: int\.\n/)
  t.match(await world.run(`schema check ${join(folder, 'person.txt')} --subject p-value`), { code: 2, stderr: /--type: expected AVRO, JSON or PROTOBUF/ })
  t.match(await world.run(`schema check ${join(folder, 'nothing.avsc')} --subject p-value`), { code: 1, stderr: /cannot be read/ })
  t.match(await world.run(`schema check ${avsc}`), { code: 2, stderr: /--subject SUBJECT is missing/ })
  t.match(await world.run(`schema register ${avsc} --subject s --reference nonsense`), { code: 2, stderr: /expected NAME=SUBJECT:VERSION/ })
})
