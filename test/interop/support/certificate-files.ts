/**
 * Certificates as the PEM files that servers and clients of all kinds read.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAuthority, type Leaf } from '../../support/certificates.ts'

export interface CertificateFiles {
  /** The authority that signed what follows. */
  readonly ca: string
  readonly server: LeafFiles
  /** `CN=carol,O=Barnabas`. */
  readonly client: LeafFiles
  /** Of an authority that nobody knows. */
  readonly stranger: LeafFiles
  /** For the identity provider, by the same authority. */
  readonly provider: Leaf
}

export interface LeafFiles {
  readonly certificate: string
  readonly key: string
  /** Both in one file, the key first. */
  readonly both: string
}

/** As both Kafka and Barnabas name who shows the client's certificate, without rules that say otherwise. */
export const CLIENT_NAME = 'CN=carol,O=Barnabas'

export async function issueCertificates (folder: string): Promise<CertificateFiles> {
  const [authority, unknown] = [await createAuthority(), await createAuthority('CN=Unknown Authority')]
  const write = (name: string, text: string): string => {
    const path = join(folder, `${name}.pem`)
    writeFileSync(path, text)
    return path
  }
  const files = (name: string, { cert, key }: Leaf): LeafFiles => ({
    certificate: write(`${name}-certificate`, cert),
    key: write(`${name}-key`, key),
    both: write(name, `${key}\n${cert}\n`)
  })
  return {
    ca: write('ca', authority.cert),
    server: files('server', await authority.server()),
    client: files('client', await authority.client({ subject: CLIENT_NAME })),
    stranger: files('stranger', await unknown.client({ subject: CLIENT_NAME })),
    provider: await authority.server()
  }
}
