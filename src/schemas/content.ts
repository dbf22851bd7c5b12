/**
 * The content of schemas, as the registry compares it.
 */
import { hash } from 'node:crypto'
import { guidOf } from './guid.ts'
import type { Reference, SchemaContent } from './model.ts'

export interface Content extends SchemaContent {
  readonly guid: string
  /** Equal if and only if all of it is. The GUID says nothing of the language, nor where a part ends, and who wants to can make two of one. */
  readonly key: string
  /** Equal where the words of two texts are the same in any order, and seldom elsewhere: says where to look for what is the same schema. */
  readonly similarity: number
  /** Hashes of the canonical text, plain and normalized, when they have been asked for. */
  canonical: string | undefined
  normalized: string | undefined
}

export function contentOf ({ schemaType, schema, references, metadata, ruleSet }: SchemaContent): Content {
  return {
    schemaType,
    schema,
    references,
    metadata,
    ruleSet,
    guid: guidOf({ schema, references, metadata, ruleSet }),
    key: keyOf(schemaType, schema, references, metadata, ruleSet),
    similarity: wordSum(schema),
    canonical: undefined,
    normalized: undefined
  }
}

function keyOf (schemaType: string, ...[schema, references, metadata, ruleSet]: readonly unknown[]): string {
  const isPlain = (references as readonly unknown[]).length === 0 && metadata === null && ruleSet === null
  return `${schemaType} ${hash('sha256', isPlain ? schema as string : sortedJson([schema, references, metadata, ruleSet]), 'base64')}`
}

export function sameReferences (a: readonly Reference[], b: readonly Reference[]): boolean {
  return a.length === b.length && (a.length === 0 || sortedText(a) === sortedText(b))
}

const sortedText = (references: readonly Reference[]): string =>
  JSON.stringify(references.map(({ name, subject, version }) => [name, subject, version]).sort((a, b) => String(a) < String(b) ? -1 : 1))

/** Metadata and rules of both, whatever the order of their keys. What says neither is content with any. */
export function sameContract (asked: SchemaContent, there: SchemaContent): boolean {
  return (asked.metadata === null && asked.ruleSet === null) || exactContract(asked, there)
}

export const exactContract = (a: SchemaContent, b: SchemaContent): boolean =>
  sortedJson([a.metadata, a.ruleSet]) === sortedJson([b.metadata, b.ruleSet])

function sortedJson (value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => one !== null && typeof one === 'object' && !Array.isArray(one)
    ? Object.fromEntries(Object.entries(one).filter(([, inner]) => inner !== null).sort(([a], [b]) => a < b ? -1 : 1))
    : one)
}

const FNV_PRIME = 0x01000193
const FNV_BASIS = 0x811c9dc5 | 0

/** The sum of the hashes (FNV-1a) of all words: the order does not matter, nor what stands between them. */
function wordSum (text: string): number {
  let sum = 0
  let word = FNV_BASIS
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const isWord = (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95 || code > 127
    if (isWord) word = Math.imul(word ^ code, FNV_PRIME)
    else if (word !== FNV_BASIS) {
      sum = (sum + mixed(word)) | 0
      word = FNV_BASIS
    }
  }
  return word === FNV_BASIS ? sum : (sum + mixed(word)) | 0
}

/** Words that differ in a digit have hashes so alike that sums of them would be equal (MurmurHash3's finalizer). */
function mixed (hash: number): number {
  const half = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  const more = Math.imul(half ^ (half >>> 13), 0xc2b2ae35)
  return more ^ (more >>> 16)
}
