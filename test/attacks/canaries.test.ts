/**
 * No secret comes out of the process again, whatever is done with it, at the most verbose level (CVE-2019-12399,
 * CVE-2026-33558, KAFKA-13446): each is planted, used rightly and wrongly at every door, and looked for in all that was
 * written and answered.
 */
import { createPrivateKey } from 'node:crypto'
import t from 'tap'
import { errors } from '../../protocol/errors.ts'
import { SaslHandshake } from '../../protocol/messages/17-sasl-handshake.ts'
import { CreateTopics } from '../../protocol/messages/19-create-topics.ts'
import { SaslAuthenticate } from '../../protocol/messages/36-sasl-authenticate.ts'
import { CreateDelegationToken } from '../../protocol/messages/38-create-delegation-token.ts'
import { RenewDelegationToken } from '../../protocol/messages/39-renew-delegation-token.ts'
import { ExpireDelegationToken } from '../../protocol/messages/40-expire-delegation-token.ts'
import { DescribeDelegationToken } from '../../protocol/messages/41-describe-delegation-token.ts'
import { IncrementalAlterConfigs } from '../../protocol/messages/44-incremental-alter-configs.ts'
import { AlterUserScramCredentials } from '../../protocol/messages/51-alter-user-scram-credentials.ts'
import { credentialOf } from '../../src/auth/scram-credential.ts'
import { clientFinal } from '../src/auth/kit.ts'
import { requestFrame, type Wire } from '../src/kafka/wire.ts'
import { createSigningKey } from '../support/jwks-server.ts'
import { canary, findCanaries, formsOf, newSecret, type Canary } from './canary.ts'
import { openHouse } from './house.ts'

t.test('a canary is found in every form, within whatever', async t => {
  for (const secret of [Buffer.from(newSecret()), Buffer.alloc(32, '\x00\xff\x80abc', 'latin1')]) {
    const canaries = [canary('it', secret)]
    for (const [form, bytes] of formsOf(secret)) {
      const line = Buffer.concat([Buffer.from('{"level":"info","msg":"somebody sent '), bytes, Buffer.from(' to us"}\n')])
      t.ok(findCanaries(canaries, [{ name: 'a line', bytes: line }]).includes(`it is in a line (${form})`), form)
    }
  }
  const secret = newSecret()
  for (const line of [
    `Basic ${Buffer.from(`alice:${secret}`).toString('base64')}`, `Basic ${Buffer.from(`bob:${secret}:`).toString('base64')}`,
    Buffer.from(`\0admin\0${secret}`).toString('base64url'), JSON.stringify(Buffer.from(`x=${secret}`)), `${secret.slice(0, 20)}...`,
    `/topics?access_token=${encodeURIComponent(secret)}`, new URL(`http://u:${encodeURIComponent(secret)}@h/`).href
  ]) t.not(findCanaries([canary('it', secret)], [{ name: 'a line', bytes: Buffer.from(line) }]).length, 0, line)
  t.same(findCanaries([canary('it', secret)], [{ name: 'a line', bytes: Buffer.from(newSecret()) }]), [], 'and no other one')
  t.same(findCanaries([canary('it', secret, /^the answer/)], [{ name: 'the answer', bytes: Buffer.from(secret) }]), [], 'nor where it belongs')
})

t.test('CVE-2019-12399, CVE-2026-33558: no secret is in a log, a metric, an error, an answer, the audit or the data folder', async t => {
  const canaries: Canary[] = []
  const plant = (name: string, mayBeIn: RegExp | null = null): string => {
    const secret = newSecret()
    canaries.push(canary(name, secret, mayBeIn))
    return secret
  }
  const watch = (name: string, secret: string | Buffer, mayBeIn: RegExp | null = null): void => { canaries.push(canary(name, secret, mayBeIn)) }
  const admin = plant('the password of the administrator')
  const house = await openHouse(t, `admin:${admin}`, { BARNABAS_DELEGATION_TOKEN_SECRET: plant('the secret of delegation tokens') })
  const { ask, jwks } = house

  const token = async (name: string, claims: Record<string, unknown> = {}, key = jwks.current): Promise<string> => {
    const jwt = await jwks.sign(claims, {}, key)
    // The header is the same in all of them.
    watch(`the signature of ${name}`, jwt.split('.')[2]!)
    watch(`the claims of ${name}`, jwt.split('.')[1]!.slice(20))
    return jwt
  }
  const stranger = await createSigningKey('ES256', jwks.current.kid)
  const basic = (user: string, password: string): { authorization: string } =>
    ({ authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` })
  const asAdmin = basic('admin', admin)
  const asJson = { ...asAdmin, 'content-type': 'application/json' }
  watch('the private key of the certificate', Buffer.from(createPrivateKey(house.leaf.key).export({ format: 'jwk' }).d!, 'base64url'))
  watch('the PEM of the private key', house.leaf.key.split('\n')[1]!.slice(30))

  // Failures are held back by name, too.
  let names = 0
  const somebody = (): string => `somebody-${++names}`

  // ---- HTTP
  const expect = async (status: number, path: string, options: Parameters<typeof ask>[1]): Promise<string> => {
    const answer = await ask(path, options)
    t.equal(answer.status, status, `${options?.method ?? 'GET'} ${path.slice(0, 30)}: ${answer.body.slice(0, 100)}`)
    return answer.body
  }
  const put = (status: number, body: string, headers: Record<string, string> = asJson): Promise<string> =>
    expect(status, '/users/alice', { method: 'PUT', headers, body })
  const alice = plant('the password of a user, over HTTP')
  await put(204, JSON.stringify({ password: alice }))
  const broken = plant('a password in a body that is refused')
  const ticket = async (name: string): Promise<string> => {
    const { ticket } = JSON.parse(await expect(201, '/auth/tickets', { method: 'POST', headers: asAdmin, unheard: true })) as { ticket: string }
    watch(name, ticket)
    return ticket
  }
  const used = await ticket('a ticket that was used')
  const unused = await ticket('a ticket that was not used')
  const url = plant('a token in a URL')
  const wrong = plant('a wrong password, over HTTP')
  const odd = plant('an Authorization of no kind')
  const elsewhere = plant('a secret in other header fields')
  const inUrl = encodeURIComponent(url)
  await Promise.all([
    put(400, `{"password":"${broken}"`), put(400, `"${broken}"`),
    put(400, `{"password":["${broken}"]}`), put(400, `{"password":"${broken}","Password":"${broken}"}`),
    put(400, `{"password":"${broken}","__proto__":{"password":"${broken}"}}`), put(400, `{"password":"${broken.repeat(200)}"}`),
    put(400, `{"password":"${broken}","mechanisms":["${broken}"]}`), put(400, `{"password":"${broken}","iterations":"${broken}"}`),
    put(415, `password=${broken}`, { ...asAdmin, 'content-type': 'application/x-www-form-urlencoded' }),
    put(415, `{"password":"${broken}"}`, { ...asAdmin, 'content-type': `text/${broken.slice(5)}` }),
    put(415, `{"password":"${broken}"}`, { ...asJson, 'content-encoding': 'gzip' }),
    put(401, `{"password":"${broken}"}`, { 'content-type': 'application/json' }),
    expect(404, `/nowhere?password=${inUrl}`, { headers: asAdmin }),
    expect(405, `/users/alice?password=${inUrl}`, { method: 'PATCH', headers: asJson, body: `{"password":"${broken}"}` }),
    expect(400, `/topics?access_token=${inUrl}`, {}), expect(400, `/topics?token=${inUrl}`, { headers: asAdmin }),
    expect(400, `/ws?access_token=${inUrl}`, {}), expect(401, `/topics/t/records?ticket=${inUrl}`, {}),
    expect(401, `/topics/t/records?ticket=${inUrl}&ticket=${inUrl}`, {}),
    expect(401, '/topics', { headers: basic(somebody(), wrong) }), expect(401, '/topics', { headers: basic('', wrong) }),
    expect(401, '/topics', { headers: { authorization: odd } }), expect(401, '/topics', { headers: { authorization: `Basic ${odd}` } }),
    expect(401, '/topics', { headers: { authorization: `Digest response="${odd}"` } }),
    expect(401, '/topics', { headers: { authorization: `Bearer ${odd}` } }),
    expect(401, '/topics', {
      headers: { cookie: `session=${elsewhere}`, 'x-api-key': elsewhere, 'proxy-authorization': `Basic ${elsewhere}`, 'x-forwarded-for': elsewhere }
    }),
    expect(200, '/auth/whoami', { headers: basic('alice', alice) }),
    expect(200, '/auth/whoami', { headers: { authorization: `Bearer ${await token('a good token')}` } }),
    expect(401, '/auth/whoami', { headers: { authorization: `Bearer ${await token('a forged token', {}, stranger)}` } }),
    expect(401, '/auth/whoami', { headers: { authorization: `Bearer ${await token('a token for others', { aud: 'others' })}` } }),
    expect(401, '/auth/whoami', { headers: { authorization: `Bearer ${await token('a token that has expired', { exp: 1 })}` } }),
    // What Node's own parser refuses never becomes a request, but an event with the bytes in it.
    house.sendRaw('http', `GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${odd}\r\nBad Field: ${elsewhere}\r\n\r\n`),
    house.sendRaw('http', `GET / HTTP/1.1\r\nHost: x\r\nAuthorization: ${odd.repeat(1000)}\r\n\r\n`),
    house.sendRaw('http', `GET / HTTP/1.1\r\nAuthorization: Basic ${odd}\r\n\r\n`, false),
    house.sendRaw('kafka', `POST / HTTP/1.1\r\nAuthorization: Basic ${odd}\r\n\r\n`),
    house.sendRaw('kafka', `POST / HTTP/1.1\r\nAuthorization: Basic ${odd}\r\n\r\n`, false)
  ])
  await expect(201, '/topics/t', { method: 'POST', headers: asAdmin, body: 'hello' })
  await expect(200, `/topics/t/records?from=earliest&ticket=${encodeURIComponent(used)}`, {})
  await expect(401, `/topics/t/records?ticket=${encodeURIComponent(used)}`, {})
  await expect(401, `/topics?ticket=${encodeURIComponent(unused)}`, {})

  // ---- WebSocket
  const prefix = 'base64url.bearer.authorization.barnabas.'
  const disguised = (secret: string): string[] => ['barnabas.v1+json', prefix + Buffer.from(secret).toString('base64url')]
  const inMessage = plant('a password in a message')
  const good = await token('a token among the sub-protocols')
  const first = (auth: unknown): string => JSON.stringify({ type: 'connect', auth })
  const refused = /"type":"error"/
  await Promise.all([
    house.talk('a session with a token', { protocols: disguised(good) },
      ['{"type":"connect"}', '{"type":"produce","id":"p","topic":"no","records":[{"value":1}]}'], /"p"/),
    house.talk('a forged token', { protocols: disguised(await token('a forged sub-protocol', {}, stranger)) }, [], refused),
    house.talk('a token and nothing else', { protocols: disguised(good).slice(1) }, [], refused),
    house.talk('a token in the URL', { path: `/ws?access_token=${inUrl}` }, [], refused),
    house.talk('a password', {},
      [first({ basic: { user: 'alice', password: alice } }), `{"type":"auth","auth":{"basic":{"user":"alice","password":"${inMessage}"}}}`], refused),
    house.talk('a wrong password', {}, [first({ basic: { user: somebody(), password: inMessage } })], refused),
    house.talk('a wrong token', {}, [first({ bearer: inMessage })], refused),
    house.talk('a wrong ticket', {}, [first({ ticket: inMessage })], refused),
    house.talk('a wrong proof', {}, [first({ password: inMessage })], refused),
    house.talk('another wrong proof', {}, [first({ basic: { user: somebody(), Password: inMessage } })], refused),
    house.talk('no message', {}, [`{"type":"connect","auth":{"bearer":"${inMessage}"`], refused),
    house.talk('no JSON', {}, [inMessage], refused),
    house.talk('an unknown type', {}, [`{"type":"login","password":"${inMessage}"}`], refused)
  ])

  // ---- Kafka
  /** Says who it is in as many steps; gives the last answer. */
  const login = async (mechanism: string, ...steps: ReadonlyArray<(answer: string) => string>): Promise<{ wire: Wire, errorCode: number }> => {
    const wire = await house.openKafka()
    wire.send(SaslHandshake, 1, 1, { mechanism })
    await wire.answer(SaslHandshake, 1)
    let last = { errorCode: 0, text: '' }
    for (const step of steps) {
      wire.send(SaslAuthenticate, 2, 2, { authBytes: Buffer.from(step(last.text)) })
      const { body } = await wire.answer(SaslAuthenticate, 2)
      last = { errorCode: body.errorCode, text: body.authBytes.toString() }
      if (body.errorCode !== 0) break
    }
    return { wire, errorCode: last.errorCode }
  }
  const refuse = async (...[mechanism, ...steps]: Parameters<typeof login>): Promise<void> => {
    t.equal((await login(mechanism, ...steps)).errorCode, errors.SASL_AUTHENTICATION_FAILED, mechanism)
  }
  const scram = (name: string, user: string, password: string, extension = ''): Array<(answer: string) => string> => {
    const nonce = newSecret().slice(6)
    // The server says it again, to whoever has sent it.
    watch(`the nonce of ${name}`, nonce, /^an answer at the kafka door/)
    const bare = `n=${user},r=${nonce}${extension}`
    return [() => `n,,${bare}`, serverFirst => {
      const { message } = clientFinal('SCRAM-SHA-256', password, bare, serverFirst)
      const proof = message.slice(message.indexOf(',p=') + 3)
      watch(`the proof of ${name}`, proof)
      watch(`the bytes of the proof of ${name}`, Buffer.from(proof, 'base64'))
      return message
    }]
  }
  const oauth = (jwt: string): string => `n,,\x01auth=Bearer ${jwt}\x01\x01`
  const overPlain = plant('a wrong password, over PLAIN')
  const overScram = plant('a wrong password, over SCRAM')
  const malformed = plant('a SCRAM message that is none')
  const { wire, errorCode } = await login('PLAIN', () => `\0admin\0${admin}`)
  t.equal(errorCode, 0)

  const saltedPassword = Buffer.from(newSecret().slice(0, 32))
  const credential = credentialOf(saltedPassword, Buffer.from('a salt of some length'), 4096, 'SCRAM-SHA-256')
  watch('a salted password, over the Kafka API', saltedPassword)
  watch('the stored key of it', credential.storedKey, /^the data folder: _barnabas-0/)
  watch('the server key of it', credential.serverKey, /^the data folder: _barnabas-0/)
  const { salt, iterations } = credential
  const upsertion = { name: 'bob', mechanism: 1, iterations, salt, saltedPassword }
  wire.send(AlterUserScramCredentials, 0, 3, { deletions: [], upsertions: [upsertion] })
  t.equal((await wire.answer(AlterUserScramCredentials, 0)).body.results[0]!.errorCode, 0)
  wire.send(AlterUserScramCredentials, 0, 4, { deletions: [], upsertions: [{ ...upsertion, mechanism: 9 }, { ...upsertion, name: '', iterations: 1 }] })
  t.ok((await wire.answer(AlterUserScramCredentials, 0)).body.results.every(({ errorCode }) => errorCode !== 0))

  // Who asks for a delegation token is told its HMAC, and so is its owner.
  wire.send(CreateDelegationToken, 3, 7, { renewers: [], maxLifetimeMs: -1 })
  const { tokenId, hmac } = (await wire.answer(CreateDelegationToken, 3)).body
  t.equal(hmac.length, 64)
  const delegation = Buffer.from(hmac)
  watch('the HMAC of a delegation token', delegation, /^an answer at the kafka door/)
  watch('the same in base64', delegation.toString('base64'))
  wire.send(DescribeDelegationToken, 3, 8, { owners: null })
  t.equal((await wire.answer(DescribeDelegationToken, 3)).body.tokens.length, 1)
  wire.send(RenewDelegationToken, 2, 9, { hmac: delegation, renewPeriodMs: -1 })
  t.equal((await wire.answer(RenewDelegationToken, 2)).body.errorCode, 0)
  const byToken = await login('SCRAM-SHA-256', ...scram('a delegation token', tokenId, delegation.toString('base64'), ',tokenauth=true'))
  t.equal(byToken.errorCode, 0, 'SCRAM with a delegation token')
  byToken.wire.send(RenewDelegationToken, 2, 3, { hmac: delegation, renewPeriodMs: -1 })
  t.equal((await byToken.wire.answer(RenewDelegationToken, 2)).body.errorCode, errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED)
  wire.send(ExpireDelegationToken, 2, 10, { hmac: delegation, expiryTimePeriodMs: -1 })
  t.equal((await wire.answer(ExpireDelegationToken, 2)).body.errorCode, 0)
  await refuse('SCRAM-SHA-256', ...scram('a delegation token that was ended', tokenId, delegation.toString('base64'), ',tokenauth=true'))

  const config = plant('a secret in a configuration')
  wire.send(CreateTopics, 7, 5, {
    topics: [{ name: 'c', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [{ name: 'sasl.jaas.config', value: config }] }], timeoutMs: 1000
  })
  t.equal((await wire.answer(CreateTopics, 7)).body.topics[0]!.errorCode, errors.INVALID_CONFIG)
  for (const [resourceType, resourceName] of [[2, 't'], [4, '1']] as const) {
    wire.send(IncrementalAlterConfigs, 1, 6, {
      resources: [{ resourceType, resourceName, configs: [{ name: 'ssl.keystore.password', configOperation: 0, value: config }] }], validateOnly: false
    })
    t.not((await wire.answer(IncrementalAlterConfigs, 1)).body.responses[0]!.errorCode, 0)
  }

  const cutOff = async (): Promise<void> => {
    const { wire } = await login('PLAIN', () => `\0admin\0${admin}`)
    const frame = requestFrame(AlterUserScramCredentials, 0, 1, { deletions: [], upsertions: [upsertion] })
    frame.fill(0xff, frame.length - 4)
    wire.write(frame)
    await wire.closed()
  }
  await Promise.all([
    refuse('PLAIN', () => `\0${somebody()}\0${overPlain}`),
    refuse('PLAIN', () => `\0${somebody()}\0${overPlain}\0${overPlain}`), refuse('PLAIN', () => overPlain),
    refuse('SCRAM-SHA-256', ...scram('a wrong password', somebody(), overScram)),
    login('SCRAM-SHA-256', ...scram('a right password', 'alice', alice)).then(({ errorCode }) => t.equal(errorCode, 0, 'SCRAM')),
    refuse('SCRAM-SHA-256', () => malformed), refuse('SCRAM-SHA-512', () => `n,,n=${somebody()},r=${malformed},${malformed}`),
    refuse('SCRAM-SHA-512', () => `n,,n=${somebody()},r=${'a'.repeat(30)}`, () => `c=biws,r=x,p=${Buffer.from(malformed).toString('base64')}`),
    login('OAUTHBEARER', () => oauth(good)).then(({ errorCode }) => t.equal(errorCode, 0, 'OAUTHBEARER')),
    token('a forged token, over Kafka', {}, stranger).then(jwt => refuse('OAUTHBEARER', () => oauth(jwt), () => '\x01')),
    refuse('OAUTHBEARER', () => `n,,\x01auth=Basic ${malformed}\x01\x01`),
    cutOff(),
    house.sendRaw('kafka', requestFrame(SaslAuthenticate, 2, 1, { authBytes: Buffer.from(`\0alice\0${overPlain}`) })),

    // ---- the command, and a process that looks at its files anew
    house.runCommand(['users', 'put', 'carol'], `admin:${admin}`, `${plant('a password on standard input')}\n`),
    house.runCommand(['users', 'put', 'dave'], `${somebody()}:${plant('a wrong password of the command')}`, `${plant('a password that was not taken')}\n`)
  ])
  house.reload()
  t.match(await expect(200, '/metrics', { headers: asAdmin }), /barnabas_kafka_auth_total/)
  await expect(200, '/users', { headers: asAdmin })
  await expect(200, '/topics/audit/records?from=earliest&limit=1000', { headers: asAdmin })

  const places = await house.end()
  const named = (name: string): string => places.filter(place => place.name.startsWith(name)).map(({ bytes }) => bytes.toString('latin1')).join('')
  for (const [name, holds] of [
    ['standard output', /^Barnabas /], ['standard error', /"level":"(trace|debug)"/], ['the audit file', /"action":"credential-set"/],
    ['the data folder: audit-0', /"action":"credential-set"/], ['what users put', /carol can log in/], ['an answer at the kafka door', /SCRAM-SHA-256/],
    ['the refusal of', /urn:barnabas:problem/], ['the end of', /[a-z]/], ['a message to', /connected/], ['the command line', /--log-level/]
  ] as const) t.match(named(name), holds, `${name} is looked at`)
  const keys = canaries.filter(({ name }) => name.endsWith('key of it'))
  t.ok(findCanaries(keys.map(key => ({ ...key, mayBeIn: null })), places).length >= 2, 'what may be in the data folder is found there')
  t.ok(canaries.length >= 30, `${canaries.length} canaries`)
  t.same(findCanaries(canaries, places), [])
})
