/**
 * PLAIN: three parts, one of which is the password.
 */
import t from 'tap'
import fc from 'fast-check'
import { AuthenticationFailed } from '../../../src/auth/identity.ts'
import { PlainProof } from '../../../src/auth/plain.ts'
import { refused } from './kit.ts'

const verify = async (user: string, password: string): Promise<boolean> => user === 'alice' && password === 'secret'

t.test('RFC 4616: a name and a password, and the name once more if need be', async t => {
  for (const message of ['\0alice\0secret', 'alice\0alice\0secret']) {
    const proof = new PlainProof(verify)
    t.same(await proof.step(Buffer.from(message)), { done: true, reply: Buffer.alloc(0), user: 'alice', expiresAtMs: null })
    t.equal(proof.claimed, 'alice')
  }
})

const rows: readonly (readonly [name: string, message: string | Buffer, reason: RegExp])[] = [
  ['CVE-2017-12610: another user', 'bob\0alice\0secret', /authorisation id/],
  ['CVE-2017-12610: the same in upper case', 'ALICE\0alice\0secret', /authorisation id/],
  ['CVE-2017-12610: the same after SASLprep, a soft hyphen', 'ali\u00adce\0alice\0secret', /authorisation id/],
  ['CVE-2017-12610: the same after SASLprep, full width', '\uff41lice\0alice\0secret', /authorisation id/],
  ['CVE-2017-12610: the same but for a space', 'alice \0alice\0secret', /authorisation id/],
  ['CVE-2017-12610: the same as a principal', 'User:alice\0alice\0secret', /authorisation id/],
  ['a wrong password', '\0alice\0Secret', /unknown user or wrong password/],
  ['a user who does not exist', '\0bob\0secret', /unknown user or wrong password/],
  ['no name', '\0\0secret', /user name/],
  ['no password', '\0alice\0', /password/],
  ['two parts', 'alice\0secret', /three parts/],
  ['four parts', '\0alice\0secret\0', /three parts/],
  ['nothing', '', /three parts/],
  ['no UTF-8', Buffer.from('\0alice\0\xff', 'latin1'), /UTF-8/],
  ['a long name', `\0${'a'.repeat(1025)}\0secret`, /user name/],
  ['a long password', `\0alice\0${'a'.repeat(4097)}`, /password/],
  ['a long message', `\0alice\0${'a'.repeat(1 << 20)}`, /three parts/]
]

t.test('what is refused', async t => {
  for (const [name, message, reason] of rows) await refused(t, () => new PlainProof(verify).step(Buffer.from(message as string)), reason, name)
})

t.test('random bytes are refused, and nothing else happens', async t => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async bytes => {
    await new PlainProof(async () => false).step(Buffer.from(bytes)).catch((error: unknown) => t.ok(error instanceof AuthenticationFailed))
  }), { numRuns: 500 })
})
