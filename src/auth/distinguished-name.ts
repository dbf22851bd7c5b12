/**
 * The subject of a certificate as text, RFC 2253 in the form of Java's X500Principal.getName(): that is what Kafka's
 * mapping rules and ACLs are written for. It begins with the last part of the name: `CN=Duke,OU=Users,O=Org,C=US`.
 */
import type { X509Certificate } from 'node:crypto'
import { decodeUtf8 } from './proof.ts'

/** The types that RFC 2253 has names for. The others are written as numbers, and their values as bytes. */
const keywords: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC'
}

/** How the kinds of text that Java takes for text are read: UTF8String, PrintableString, TeletexString, IA5String, GeneralString, BMPString. */
const texts: Readonly<Record<number, (bytes: Buffer) => string | null>> = {
  0x0c: decodeUtf8, 0x13: decodeUtf8, 0x14: bytes => bytes.toString('latin1'), 0x16: decodeUtf8, 0x1b: decodeUtf8, 0x1e: decodeUcs2
}

interface Element {
  readonly tag: number
  /** With tag and length. */
  readonly whole: Buffer
  readonly content: Buffer
}

/** Empty if the subject is. */
export function subjectOf (certificate: X509Certificate): string {
  const [tbs] = inside(onlyOne(certificate.raw))
  const fields = inside(tbs!)
  // [0] version, which may be left out; serial number, algorithm, issuer, validity, subject.
  const subject = fields[fields[0]!.tag === 0xa0 ? 5 : 4]!
  return inside(subject).reverse().map(rdn => inside(rdn).map(attributeText).join('+')).join(',')
}

function attributeText (attribute: Element): string {
  const [type, value] = inside(attribute) as [Element, Element]
  const oid = oidText(type.content)
  const keyword = keywords[oid]
  const text = keyword === undefined ? null : texts[value.tag]?.(value.content) ?? null
  return text === null ? `${keyword ?? oid}=#${value.whole.toString('hex')}` : `${keyword}=${escape(text)}`
}

const escape = (text: string): string => text
  .replace(/[,+"\\<>;=#]/g, '\\$&')
  .replaceAll('\0', '\\00')
  // White space at the ends, all of it.
  .replace(/^[ \r]+|[ \r]+$/g, ends => ends.replace(/./gs, '\\$&'))

function oidText (bytes: Buffer): string {
  const arcs: bigint[] = []
  let arc = 0n
  for (const byte of bytes) {
    arc = arc << 7n | BigInt(byte & 0x7f)
    if (byte >= 0x80) continue
    if (arcs.length === 0) {
      const first = arc < 80n ? arc / 40n : 2n
      arcs.push(first, arc - first * 40n)
    } else arcs.push(arc)
    arc = 0n
  }
  return arcs.join('.')
}

function decodeUcs2 (bytes: Buffer): string | null {
  return bytes.length % 2 === 0 ? Buffer.from(bytes).swap16().toString('utf16le') : null
}

// ---- DER, as far as a certificate needs it that has been parsed before

const inside = ({ content }: Element): Element[] => {
  const elements: Element[] = []
  for (let at = 0; at < content.length;) {
    const element = elementAt(content, at)
    elements.push(element)
    at += element.whole.length
  }
  return elements
}

const onlyOne = (bytes: Buffer): Element => elementAt(bytes, 0)

function elementAt (bytes: Buffer, at: number): Element {
  const tag = bytes.readUInt8(at)
  const first = bytes.readUInt8(at + 1)
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  const length = lengthBytes === 0 ? first : bytes.readUIntBE(at + 2, lengthBytes)
  const start = at + 2 + lengthBytes
  if (start + length > bytes.length) throw new RangeError('an element of the certificate ends after the certificate')
  return { tag, whole: bytes.subarray(at, start + length), content: bytes.subarray(start, start + length) }
}
