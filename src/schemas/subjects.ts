/**
 * Names of subjects. A name may say its context, `:.context:name`; without one it is in the default context `.`.
 */
import { RegistryError } from './registry-error.ts'

export const DEFAULT_CONTEXT = '.'

const QUALIFIED = /^:(\.[^:]*):(.*)$/s
const ANY_CONTEXT = ':*:'
const MAX_CHARACTERS = 4096
/** Names that mean contexts of their own to Confluent's registry. */
const RESERVED: ReadonlySet<string> = new Set(['__GLOBAL', '__EMPTY'])

export interface QualifiedName {
  readonly context: string
  /** Empty for a context as a whole. */
  readonly name: string
}

export function qualifiedName (subject: string): QualifiedName {
  const [, context, name] = QUALIFIED.exec(subject) ?? []
  return context === undefined ? { context: DEFAULT_CONTEXT, name: subject } : { context, name: name! }
}

export const contextOf = (subject: string): string => subject.startsWith(':') ? qualifiedName(subject).context : DEFAULT_CONTEXT

/** The one way in which a subject is written: `:.:a` is `a`. */
export function subjectIn (context: string, name: string): string {
  return context === DEFAULT_CONTEXT ? name : `:${context}:${name}`
}

export function normalSubject (subject: string): string {
  if (!subject.startsWith(':')) return subject
  const { context, name } = qualifiedName(subject)
  return subjectIn(context, name)
}

/** A name without a context, as it is meant beside `subject`. */
export function besides (subject: string, name: string): string {
  return QUALIFIED.test(name) ? normalSubject(name) : subjectIn(contextOf(subject), name)
}

/** The subject in its one way of writing. Throws 42208. */
export function validSubject (subject: string): string {
  const { context, name } = qualifiedName(subject)
  return name === '' ? refused(subject) : subjectIn(validContext(context, subject), validName(name, subject))
}

/** A subject, or a context as a whole; null for everything. Throws 42208. */
export function validScope (scope: string | null): string | null {
  if (scope === null) return null
  const { context, name } = qualifiedName(scope)
  if (name !== '') return validSubject(scope)
  return context === DEFAULT_CONTEXT ? null : subjectIn(validContext(context, scope), '')
}

const validName = (name: string, subject: string): string =>
  subject.length > MAX_CHARACTERS || /\p{Cc}/u.test(name) || !name.isWellFormed() || RESERVED.has(name) ? refused(subject) : name

const validContext = (context: string, subject: string): string => /\p{Cc}/u.test(context) || !context.isWellFormed() ? refused(subject) : context

function refused (subject: string): never {
  const shown = subject.length > 200 ? `${subject.slice(0, 200)}…` : subject
  throw new RegistryError(42208, `The specified subject '${shown}' is not a valid. ` +
    `It needs 1 to ${MAX_CHARACTERS} characters, no control character among them.`)
}

/** `:*:a`: names that begin with `a` in any context; `:.team:a`: in that one; `a`: in the default one. */
export function prefixTest (prefix: string): (subject: string) => boolean {
  if (prefix === ANY_CONTEXT) return () => true
  if (prefix.startsWith(ANY_CONTEXT)) {
    const start = prefix.slice(ANY_CONTEXT.length)
    return subject => qualifiedName(subject).name.startsWith(start)
  }
  const wanted = qualifiedName(prefix)
  return subject => {
    const { context, name } = qualifiedName(subject)
    return context === wanted.context && name.startsWith(wanted.name)
  }
}
