/**
 * The Authorization header.
 */
import t from 'tap'
import fc from 'fast-check'
import { parseAuthorization } from '../../../src/auth/authorization.ts'
import { AuthenticationFailed } from '../../../src/auth/identity.ts'
import { refused } from './kit.ts'

const basic = (text: string | Buffer): string => `Basic ${Buffer.from(text as string).toString('base64')}`

t.test('RFC 7617 and RFC 6750: their examples', async t => {
  t.same(parseAuthorization('Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='), { scheme: 'BASIC', user: 'Aladdin', password: 'open sesame' })
  t.same(parseAuthorization('Basic dGVzdDoxMjPCow=='), { scheme: 'BASIC', user: 'test', password: '123£' }, 'UTF-8')
  t.same(parseAuthorization('Bearer mF_9.B5f-4.1JqM'), { scheme: 'BEARER', token: 'mF_9.B5f-4.1JqM' })
})

t.test('the scheme is of any case, and a password may have colons', async t => {
  t.same(parseAuthorization(basic('a:b:c:')), { scheme: 'BASIC', user: 'a', password: 'b:c:' })
  t.same(parseAuthorization(basic('a:b').replace('Basic ', 'bASIC  ')), { scheme: 'BASIC', user: 'a', password: 'b' })
  t.same(parseAuthorization('bearer x'), { scheme: 'BEARER', token: 'x' })
})

t.test('what is refused', async t => {
  for (const [name, header, reason] of [
    ['nothing', '', /neither/],
    ['no scheme', 'QWxhZGRpbjpvcGVuIHNlc2FtZQ==', /neither/],
    ['another scheme', 'Digest username="a"', /neither/],
    ['Negotiate', 'Negotiate YII=', /neither/],
    ['Basic alone', 'Basic', /neither/],
    ['Basic and nothing', 'Basic ', /neither/],
    ['Bearer and nothing', 'Bearer ', /neither/],
    ['two tokens', 'Bearer a b', /neither/],
    ['two headers in one', `${basic('a:b')}, ${basic('c:d')}`, /neither/],
    ['base64 that is not', 'Basic a:b', /neither/],
    ['no colon', basic('alice'), /colon/],
    ['no UTF-8', basic(Buffer.from([0x61, 0x3a, 0xff])), /UTF-8/],
    ['no name', basic(':secret'), /user name/],
    ['no password', basic('alice:'), /password/],
    ['a long name', basic(`${'a'.repeat(1025)}:b`), /user name/],
    ['a long password', basic(`a:${'b'.repeat(4097)}`), /password/],
    ['a long header', `Bearer ${'a'.repeat(33_000)}`, /longer/]
  ] as const) await refused(t, () => parseAuthorization(header), reason, name)
})

t.test('any text is refused, and nothing else happens', async t => {
  const text = fc.oneof(fc.string(), fc.base64String())
  const header = fc.oneof(text, fc.tuple(fc.constantFrom('Basic ', 'Bearer ', 'basic\t'), text).map(parts => parts.join('')))
  fc.assert(fc.property(header, text => {
    try {
      parseAuthorization(text)
    } catch (error) {
      t.ok(error instanceof AuthenticationFailed)
    }
  }), { numRuns: 1000 })
})
