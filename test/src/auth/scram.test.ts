/**
 * SCRAM against the vectors of its RFCs, and against everything that a client must not get away with.
 */
import t from 'tap'
import fc from 'fast-check'
import type { ScramMechanism } from '../../../src/access/model.ts'
import { Credentials } from '../../../src/auth/credentials.ts'
import { AuthenticationFailed } from '../../../src/auth/identity.ts'
import { credentialOf, saltPassword, scramCredential } from '../../../src/auth/scram-credential.ts'
import { ScramProof } from '../../../src/auth/scram.ts'
import { Users, clientFinal, refused } from './kit.ts'

const bytes = (text: string): Buffer => Buffer.from(text)
const mechanisms: readonly ScramMechanism[] = ['SCRAM-SHA-256', 'SCRAM-SHA-512']

t.test('RFC 7677, section 3: the example of SCRAM-SHA-256', async t => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const credential = credentialOf(await saltPassword('pencil', salt, 4096, 'SCRAM-SHA-256'), salt, 4096, 'SCRAM-SHA-256')
  const proof = new ScramProof('SCRAM-SHA-256', () => credential, { newNonce: () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0' })
  t.same(await proof.step(bytes('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')), {
    done: false,
    reply: bytes('r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096')
  })
  t.same(await proof.step(bytes('c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=')), {
    done: true, reply: bytes('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='), user: 'user', expiresAtMs: null
  })
})

t.test('a right password is right, whatever is in the name and the password', async t => {
  const names = ['alice', 'a,b=c', '=2C', 'Zoë', 'a b', '用户']
  for (const mechanism of mechanisms) {
    for (const [at, name] of names.entries()) {
      const password = `pass,=\0🔑${name}`
      const credential = await scramCredential(password, mechanism, at === 0 ? 16384 : 4096)
      const asked: string[] = []
      const proof = new ScramProof(mechanism, user => {
        asked.push(user)
        return credential
      })
      const bare = `n=${name.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=fyko+d2lbbFgONRv9qkxdawL,x=extension`
      const first = await proof.step(bytes(`n,,${bare}`))
      const { message, serverSignature } = clientFinal(mechanism, password, bare, first.reply.toString(), { extension: ',y=extension' })
      t.same(await proof.step(bytes(message)), { done: true, reply: bytes(`v=${serverSignature}`), user: name, expiresAtMs: null }, `${mechanism} ${name}`)
      t.same(asked, [name])
    }
  }
})

t.test('the client may say that it could bind to the channel, and who it is twice', async t => {
  const credential = await scramCredential('secret', 'SCRAM-SHA-256')
  for (const gs2 of ['n,,', 'y,,', 'n,a=alice,', 'y,a=alice,']) {
    const proof = new ScramProof('SCRAM-SHA-256', () => credential)
    const first = await proof.step(bytes(`${gs2}n=alice,r=abc`))
    const { message } = clientFinal('SCRAM-SHA-256', 'secret', 'n=alice,r=abc', first.reply.toString(), { binding: bytes(gs2).toString('base64') })
    t.match(await proof.step(bytes(message)), { done: true, user: 'alice' }, gs2)
  }
})

t.test('nonces: 18 random bytes or more of the server\'s, after the client\'s, never twice', async t => {
  const credential = await scramCredential('secret', 'SCRAM-SHA-256')
  const nonces = new Set<string>()
  for (let i = 0; i < 100; i++) {
    const { reply } = await new ScramProof('SCRAM-SHA-256', () => credential).step(bytes('n,,n=alice,r=abc'))
    const nonce = /^r=abc([^,]+),/.exec(reply.toString())![1]!
    t.ok(nonce.length >= 24)
    nonces.add(nonce)
  }
  t.equal(nonces.size, 100)
})

const firsts: readonly (readonly [name: string, message: string | Buffer, reason: RegExp])[] = [
  ['CVE-2017-12610: another user', 'n,a=bob,n=alice,r=abc', /authorisation id/],
  ['CVE-2017-12610: the same in upper case', 'n,a=ALICE,n=alice,r=abc', /authorisation id/],
  ['CVE-2017-12610: the same after SASLprep, a soft hyphen', 'n,a=ali\u00adce,n=alice,r=abc', /authorisation id/],
  ['CVE-2017-12610: the same after SASLprep, a compatible letter', 'n,a=\u2168,n=IX,r=abc', /authorisation id/],
  ['CVE-2017-12610: the same but for a space', 'n,a=alice ,n=alice,r=abc', /authorisation id/],
  ['CVE-2017-12610: a comma in disguise', 'n,a=alice=2Cbob,n=alice,r=abc', /authorisation id/],
  ['channel binding', 'p=tls-server-end-point,,n=alice,r=abc', /channel binding/],
  ['channel binding of another kind', 'p=tls-exporter,a=alice,n=alice,r=abc', /channel binding/],
  ['a delegation token', 'n,,n=alice,r=abc,tokenauth=true', /delegation token/],
  ['a delegation token in capitals', 'n,,n=alice,r=abc,x=y,tokenauth=TRUE', /delegation token/],
  ['a mandatory extension, before the name', 'n,,m=x,n=alice,r=abc', /malformed/],
  ['a mandatory extension, after the nonce', 'n,,n=alice,r=abc,m=x', /extension/],
  ['no name', 'n,,n=,r=abc', /malformed/],
  ['no nonce', 'n,,n=alice,r=', /malformed/],
  ['a nonce with a space', 'n,,n=alice,r=a b', /malformed/],
  ['a name with a bare equals sign', 'n,,n=a=b,r=abc', /malformed/],
  ['a name with a small escape', 'n,,n=a=2cb,r=abc', /malformed/],
  ['a NUL in the name', 'n,,n=al\0ice,r=abc', /malformed/],
  ['an empty authorisation id', 'n,a=,n=alice,r=abc', /malformed/],
  ['no header', 'n=alice,r=abc', /malformed/],
  ['nothing', '', /malformed/],
  ['no UTF-8', Buffer.from('n,,n=\xff\xfe,r=abc', 'latin1'), /UTF-8/],
  ['a long message', `n,,n=${'a'.repeat(8192)},r=abc`, /at most/]
]

t.test('what a first message must not be', async t => {
  const credential = await scramCredential('secret', 'SCRAM-SHA-256')
  for (const [name, message, reason] of firsts) {
    await refused(t, () => new ScramProof('SCRAM-SHA-256', () => credential).step(Buffer.from(message as string)), reason, name)
  }
})

type Forge = (nonce: string, honest: string) => { nonce?: string, binding?: string, message?: string, password?: string }
const finals: readonly (readonly [name: string, forge: Forge, reason: RegExp])[] = [
  ['CVE-2024-56128: the nonce without its end', nonce => ({ nonce: nonce.slice(0, -1) }), /nonce/],
  ['CVE-2024-56128: the nonce and more', nonce => ({ nonce: `${nonce}x` }), /nonce/],
  ['CVE-2024-56128: the client\'s nonce once more, as librdkafka before 2.6.1 has it', nonce => ({ nonce: `abc${nonce}` }), /nonce/],
  ['CVE-2024-56128: no nonce', () => ({ nonce: '' }), /nonce/],
  ['CVE-2024-56128: the client\'s nonce only', () => ({ nonce: 'abc' }), /nonce/],
  ['CVE-2024-56128: the server\'s nonce only', nonce => ({ nonce: nonce.slice(3) }), /nonce/],
  ['CVE-2024-56128: another client\'s nonce before the server\'s', nonce => ({ nonce: `xyz${nonce.slice(3)}` }), /nonce/],
  ['another channel binding', () => ({ binding: 'eSws' }), /channel binding/],
  ['channel binding with data', () => ({ binding: Buffer.from('p=tls-exporter,,data').toString('base64') }), /channel binding/],
  ['a wrong password', () => ({ password: 'Secret' }), /unknown user or wrong password/],
  ['an empty password', () => ({ password: '' }), /unknown user or wrong password/],
  ['a proof that is too short', (_, honest) => ({ message: honest.replace(/p=.*/, 'p=AAAA') }), /length/],
  ['a proof of zeros', (_, honest) => ({ message: honest.replace(/p=.*/, `p=${Buffer.alloc(32).toString('base64')}`) }), /unknown user or wrong password/],
  ['no proof', (_, honest) => ({ message: honest.replace(/,p=.*/, '') }), /malformed/],
  ['an empty proof', (_, honest) => ({ message: honest.replace(/p=.*/, 'p=') }), /malformed/],
  ['something after the proof', (_, honest) => ({ message: `${honest},x=y` }), /malformed/],
  ['nothing', () => ({ message: '' }), /malformed/]
]

t.test('what a final message must not be', async t => {
  const credential = await scramCredential('secret', 'SCRAM-SHA-256')
  for (const [name, forge, reason] of finals) {
    const proof = new ScramProof('SCRAM-SHA-256', () => credential)
    const serverFirst = (await proof.step(bytes('n,,n=alice,r=abc'))).reply.toString()
    const nonce = serverFirst.slice(2, serverFirst.indexOf(','))
    const final = (password: string, options = {}): string => clientFinal('SCRAM-SHA-256', password, 'n=alice,r=abc', serverFirst, options).message
    const { message, password = 'secret', ...options } = forge(nonce, final('secret'))
    await refused(t, () => proof.step(bytes(message ?? final(password, options))), reason, name)
  }
})

t.test('a user who does not exist goes through the same steps, with the same keys every time', async t => {
  const users = await new Users().add('alice', 'secret', ['SCRAM-SHA-256'])
  const credentials = await Credentials.create({ directory: users, admin: null })
  for (const mechanism of mechanisms) {
    for (const user of ['alice', 'nobody', 'NOBODY', '__proto__']) {
      const firsts: string[] = []
      for (let i = 0; i < 2; i++) {
        const proof = new ScramProof(mechanism, name => credentials.scram(name, mechanism))
        const first = await proof.step(bytes(`n,,n=${user},r=abc`))
        t.equal(first.done, false)
        const serverFirst = first.reply.toString()
        t.match(serverFirst, /^r=abc[\w-]{32},s=[A-Za-z0-9+/]{32,36}=*,i=4096$/, 'of the same shape')
        t.match(Buffer.from(/s=([^,]*)/.exec(serverFirst)![1]!, 'base64').toString(), /^[0-9a-z]{20,26}$/, 'with a salt as Kafka\'s tools make them')
        firsts.push(serverFirst.replace(/^[^,]*/, ''))
        await refused(t, () => proof.step(bytes(clientFinal(mechanism, 'wrong', `n=${user},r=abc`, serverFirst).message)), /unknown user or wrong password/)
      }
      t.equal(firsts[0], firsts[1], 'the salt of a name does not change')
    }
  }
  t.equal(credentials.derivations, 0, 'and no password is salted here')
  const salts = ['a', 'b', 'c'].flatMap(user => mechanisms.map(mechanism => credentials.scram(user, mechanism).salt.toString()))
  t.equal(new Set(salts).size, 6, 'another for each name and mechanism')
})

t.test('random bytes are refused, and nothing else happens', async t => {
  const credential = await scramCredential('secret', 'SCRAM-SHA-256')
  const orRefused = async (attempt: Promise<unknown>): Promise<void> => {
    await attempt.catch((error: unknown) => t.ok(error instanceof AuthenticationFailed))
  }
  const part = fc.constantFrom('n', 'y', 'p', 'a', 'r', 'c', '=', ',', '=2C', '=3D', 'biws', '\0', 'é', 'tokenauth')
  const text = fc.array(part, { maxLength: 30 }).map(parts => Buffer.from(parts.join('')))
  const message = fc.oneof(fc.uint8Array({ maxLength: 100 }).map(Buffer.from), text)
  await fc.assert(fc.asyncProperty(message, message, async (one, other) => {
    await orRefused(new ScramProof('SCRAM-SHA-256', () => credential).step(Buffer.from(one)))
    const begun = new ScramProof('SCRAM-SHA-256', () => credential)
    await begun.step(bytes('n,,n=alice,r=abc'))
    await orRefused(begun.step(Buffer.from(other)))
  }), { numRuns: 500 })
})
