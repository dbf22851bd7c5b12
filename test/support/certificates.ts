/**
 * Certificates for tests: an authority of the test's own, and what it signs. Keys are elliptic, which are made at once.
 */
import './reflect-metadata.ts'
import {
  BasicConstraintsExtension, ExtendedKeyUsage, ExtendedKeyUsageExtension, KeyUsageFlags, KeyUsagesExtension, Name, PemConverter,
  SubjectAlternativeNameExtension, X509CertificateGenerator, type JsonGeneralName, type JsonName, type X509Certificate
} from '@peculiar/x509'
import { randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 24 * 60 * 60 * 1000

/** A certificate and its key, both PEM. */
export interface Leaf {
  readonly cert: string
  readonly key: string
}

export interface LeafOptions {
  /** As RFC 2253 writes it, `CN=alice,O=Org,C=US` (the certificate begins with the last), or RDN by RDN in the order of the certificate. */
  readonly subject?: string | JsonName
  /** Names and addresses that the certificate is for. */
  readonly san?: readonly string[]
  readonly notBefore?: Date
  readonly notAfter?: Date
}

export interface Authority {
  /** Its certificate, for whoever is to trust it. */
  readonly cert: string
  /** For a server at 127.0.0.1, ::1 and localhost, unless `san` says otherwise. */
  server (options?: LeafOptions): Promise<Leaf>
  /** For a client: `CN=client` unless `subject` says otherwise. */
  client (options?: LeafOptions): Promise<Leaf>
}

export async function createAuthority (subject = 'CN=Test Authority'): Promise<Authority> {
  const keys = await newKeys()
  const root = await X509CertificateGenerator.createSelfSigned({
    name: subject,
    keys,
    serialNumber: newSerial(),
    signingAlgorithm: ALGORITHM,
    ...validity({}),
    extensions: [new BasicConstraintsExtension(true, 1, true), new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true)]
  })
  return {
    cert: root.toString('pem'),
    server: (options = {}) => issue(root, keys.privateKey, ExtendedKeyUsage.serverAuth, {
      subject: 'CN=server', san: ['localhost', '127.0.0.1', '::1'], ...options
    }),
    client: (options = {}) => issue(root, keys.privateKey, ExtendedKeyUsage.clientAuth, { subject: 'CN=client', ...options })
  }
}

/** A certificate that ran out yesterday. */
export const expired = (): LeafOptions => ({ notBefore: new Date(Date.now() - 30 * DAY_MS), notAfter: new Date(Date.now() - DAY_MS) })

async function issue (root: X509Certificate, signingKey: webcrypto.CryptoKey, usage: ExtendedKeyUsage, options: LeafOptions): Promise<Leaf> {
  const keys = await newKeys()
  const { subject = [], san = [] } = options
  const names = san.map<JsonGeneralName>(value => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }))
  const certificate = await X509CertificateGenerator.create({
    subject: typeof subject === 'string' ? new Name(subject).toJSON().reverse() : subject,
    issuer: root.subject,
    publicKey: keys.publicKey,
    signingKey,
    serialNumber: newSerial(),
    signingAlgorithm: ALGORITHM,
    ...validity(options),
    extensions: [
      new BasicConstraintsExtension(false),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([usage]),
      ...names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []
    ]
  })
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), PemConverter.PrivateKeyTag)
  return { cert: certificate.toString('pem'), key }
}

const newKeys = async (): Promise<webcrypto.CryptoKeyPair> => await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])

/** Positive, and never twice the same: a client may remember certificates by issuer and number. */
const newSerial = (): string => Buffer.concat([Buffer.from([1]), randomBytes(15)]).toString('hex')

const validity = ({ notBefore = new Date(Date.now() - DAY_MS), notAfter = new Date(Date.now() + 30 * DAY_MS) }: LeafOptions) => ({ notBefore, notAfter })
