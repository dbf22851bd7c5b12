/**
 * The subjects of certificates, as Java's X500Principal.getName() writes them: each expected text is what Java 17 prints.
 */
import t from 'tap'
import { X509Certificate } from 'node:crypto'
import type { JsonName } from '@peculiar/x509'
import { subjectOf } from '../../../src/auth/distinguished-name.ts'
import { createAuthority } from '../../support/certificates.ts'

const UID = '0.9.2342.19200300.100.1.1'
const STREET = '2.5.4.9'
const SERIAL_NUMBER = '2.5.4.5'
const TITLE = '2.5.4.12'

/** Values of a kind of text that is named; the types of the package do not know of them. */
const typed = (subject: readonly Readonly<Record<string, readonly Readonly<Record<string, string>>[]>>[]): JsonName => subject as unknown as JsonName

const rows: readonly (readonly [subject: JsonName, expected: string])[] = [
  [[{ C: ['US'] }, { O: ['Org'] }, { OU: ['Unit'] }, { CN: ['Duke'] }], 'CN=Duke,OU=Unit,O=Org,C=US'],
  [[{ C: ['US'] }, { CN: ['Duke'], OU: ['Unit'] }], 'CN=Duke+OU=Unit,C=US'],
  [[{ CN: ['*'] }, { CN: ['two'] }], 'CN=two,CN=*'],
  [[{ CN: ['a,b+c"d\\\\e<f>g;h=i#j'] }], 'CN=a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h\\=i\\#j'],
  [[{ CN: ['  lead and trail  '] }], 'CN=\\ \\ lead and trail\\ \\ '],
  [[{ CN: ['\r x \r'] }], 'CN=\\\r\\ x\\ \\\r'],
  [[{ CN: [' '] }], 'CN=\\ '],
  [[{ CN: [''] }], 'CN='],
  [[{ CN: ['Zoë Müller 北京 😀'] }], 'CN=Zoë Müller 北京 😀'],
  [[{ CN: ['a\0b'] }], 'CN=a\\00b'],
  [[{ DC: ['com'] }, { DC: ['example'] }, { E: ['a@b.c'] }, { [UID]: ['uid7'] }, { CN: ['x'] }],
    'CN=x,UID=uid7,1.2.840.113549.1.9.1=#16056140622e63,DC=example,DC=com'],
  [[{ L: ['City'], ST: ['State'] }, { [STREET]: ['Street 1'] }, { [SERIAL_NUMBER]: ['serial'] }, { [TITLE]: ['title'] }, { CN: ['x'] }],
    'CN=x,2.5.4.12=#13057469746c65,2.5.4.5=#130673657269616c,STREET=Street 1,L=City+ST=State'],
  // UniversalString is no text to Java.
  [typed([{ OU: [{ ia5String: 'ia5' }] }, { CN: [{ universalString: 'uni' }] }]), 'CN=#1c0c000000750000006e00000069,OU=ia5'],
  [[], '']
]

t.test('subjects are written as Java writes them', async t => {
  const authority = await createAuthority()
  for (const [subject, expected] of rows) {
    const { cert } = await authority.client({ subject })
    t.equal(subjectOf(new X509Certificate(cert)), expected, JSON.stringify(subject))
  }
})

t.test('text that Java 17 misreads is read by its own rules, as newer ones do', async t => {
  const authority = await createAuthority()
  const { cert } = await authority.client({ subject: typed([{ CN: [{ bmpString: 'bmpü' }] }]) })
  t.equal(subjectOf(new X509Certificate(cert)), 'CN=bmpü')
})

t.test('a name that is given as text is the name that is read', async t => {
  const authority = await createAuthority('CN=Authority,O=Org')
  const { cert } = await authority.client({ subject: 'CN=Duke,OU=ServiceUsers,O=Org,C=US' })
  t.equal(subjectOf(new X509Certificate(cert)), 'CN=Duke,OU=ServiceUsers,O=Org,C=US')
  t.equal(subjectOf(new X509Certificate(authority.cert)), 'O=Org,CN=Authority', 'an authority is named in the order of its certificate')
})
