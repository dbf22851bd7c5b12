import t from 'tap'
import { ScramProof } from '../../../../src/auth/scram.ts'
import { scramCredential } from '../../../../src/auth/scram-credential.ts'
import { prove } from '../../../../storage/cluster/security/sasl.ts'
import { MAX_ITERATIONS, SaltedPassword, ScramExchange, type ScramMechanism } from '../../../../storage/cluster/security/scram.ts'
import { FakeChannel, type Step } from './fake-channel.ts'

// RFC 7677, section 3.
const NONCE = 'rOprNGfwEbeRWgbNEkqO'
const SERVER_NONCE = `${NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`
const SERVER_FIRST = `r=${SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`
const SERVER_FINAL = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='

const rfc = (): ScramExchange => new ScramExchange('SCRAM-SHA-256', 'user', 'pencil', new SaltedPassword(), NONCE)

/** A broker that answers like this, whatever it is shown. */
const says = (...answers: readonly (string | Step)[]): FakeChannel => new FakeChannel((_shown, step) => {
  const answer = answers[step - 1] ?? {}
  return typeof answer === 'string' ? { reply: answer } : answer
})

const fails = (channel: FakeChannel, exchange = rfc()): Promise<string> =>
  prove(channel, 'SCRAM-SHA-256', 'user', exchange).then(() => 'no failure', (error: Error) => error.message)

t.test('the exchange of RFC 7677', async t => {
  const channel = says(SERVER_FIRST, { reply: SERVER_FINAL, lifetimeMs: 3000 })
  t.equal(await prove(channel, 'SCRAM-SHA-256', 'user', rfc()), 3000, 'how long it holds')
  t.strictSame(channel.shown, [`n,,n=user,r=${NONCE}`, `c=biws,r=${SERVER_NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`])
  t.strictSame(channel.versions, [1, 1, 1])
})

for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
  t.test(`${mechanism} against our own server`, async t => {
    const attempt = async (user: string, password: string, salted = new SaltedPassword()): Promise<number> => {
      const credential = await credentials(mechanism)
      const proof = new ScramProof(mechanism, () => credential)
      const channel = new FakeChannel(async shown => {
        try {
          return { reply: (await proof.step(Buffer.from(shown))).reply }
        } catch {
          return { error: 'SASL_AUTHENTICATION_FAILED', message: 'Authentication failed.' }
        }
      })
      const result = await prove(channel, mechanism, user, new ScramExchange(mechanism, user, password, salted))
      t.equal(proof.claimed, user)
      return result
    }
    const salted = new SaltedPassword()
    t.equal(await attempt('alice', 'päss,=word', salted), 0)
    t.equal(await attempt('alice', 'päss,=word', salted), 0, 'once more, with what was computed')
    t.equal(await attempt('a=b,c', 'päss,=word', salted), 0, 'a name that has to be escaped')
    await t.rejects(attempt('alice', 'wrong', salted), {
      message: `The cluster refuses ${mechanism} as alice (SASL_AUTHENTICATION_FAILED): "Authentication failed". Check the name and the password.`
    })
  })
}

const made = new Map<ScramMechanism, ReturnType<typeof scramCredential>>()
function credentials (mechanism: ScramMechanism): ReturnType<typeof scramCredential> {
  const credential = made.get(mechanism) ?? scramCredential('päss,=word', mechanism)
  made.set(mechanism, credential)
  return credential
}

t.test('whoever does not know the password is not the cluster', async t => {
  const wrong = `v=${Buffer.alloc(32, 1).toString('base64')}`
  t.match(await fails(says(SERVER_FIRST, wrong)), /^SCRAM-SHA-256 as user failed: the broker does not know the password itself/)
  t.match(await fails(says(SERVER_FIRST, 'v=AAAA')), /does not know the password/, 'of another length')
  t.match(await fails(says(SERVER_FIRST, '')), /last message is malformed/, 'and says nothing')
  t.match(await fails(says(SERVER_FIRST, `${SERVER_FINAL}\0`)), /malformed/)
  t.match(await fails(says(SERVER_FIRST, 'e=invalid-proof')), /the broker says "invalid-proof"/)
  t.match(await fails(says('')), /first message is malformed/, 'who is content with the name, too')
  t.match(await fails(says(SERVER_FINAL)), /first message is malformed/)
})

t.test('the nonce continues ours', async t => {
  const first = (nonce: string): string => `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`
  t.match(await fails(says(first(`x${SERVER_NONCE}`))), /nonce does not continue ours/)
  t.match(await fails(says(first(NONCE))), /nonce does not continue ours/, 'with something')
  t.match(await fails(says(first(NONCE.toLowerCase() + 'x'))), /nonce does not continue ours/)
})

t.test('how much is computed is bounded', async t => {
  const first = (iterations: number | string): string => `r=${SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=${iterations}`
  for (const iterations of [1, 4095, MAX_ITERATIONS + 1, 2 ** 31, 9_999_999_999]) {
    const channel = says(first(iterations))
    t.match(await fails(channel), new RegExp(`asks for ${iterations} iterations; expected 4096 to ${MAX_ITERATIONS}`))
    t.equal(channel.shown.length, 1, 'and nothing is proved')
  }
  for (const wrong of ['0', '-1', '1e9', '99999999999', '4096x', '']) t.match(await fails(says(first(wrong))), /first message is malformed/, wrong)
  t.match(await fails(says(`m=x,${SERVER_FIRST}`)), /malformed/, 'an extension that must be understood')
  t.match(await fails(says(`${SERVER_FIRST},x=${'y'.repeat(9000)}`)), /longer than 8192 bytes/)
})

t.test('an exchange comes to an end', async t => {
  t.match(await fails(says({ reply: SERVER_FIRST, error: 'ILLEGAL_SASL_STATE' })), /refuses SCRAM-SHA-256 as user \(ILLEGAL_SASL_STATE\)/)
  t.match(await fails(says(SERVER_FIRST, SERVER_FIRST)), /last message is malformed/)
})
