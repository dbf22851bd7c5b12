/**
 * DescribeUserScramCredentials and AlterUserScramCredentials. A client sends the salted password; what is kept of it is the
 * two keys of RFC 5802, with which it can be checked but not used to log in.
 */
import { createHash, createHmac } from 'node:crypto'
import { errors, KafkaError } from '../../protocol/errors.ts'
import type { DescribeUserScramCredentials } from '../../protocol/messages/50-describe-user-scram-credentials.ts'
import type { AlterUserScramCredentials } from '../../protocol/messages/51-alter-user-scram-credentials.ts'
import type { Request, Response } from '../../protocol/schema.ts'
import type { AccessChange } from '../access/entries.ts'
import type { ScramCredential, ScramMechanism } from '../access/model.ts'
import type { User } from '../access/store.ts'
import type { Plan } from './administer-plan.ts'

type Described = Response<typeof DescribeUserScramCredentials>['results'][number]
type Altered = Response<typeof AlterUserScramCredentials>['results'][number]
type Upsertion = Request<typeof AlterUserScramCredentials>['upsertions'][number]

interface Mechanism {
  readonly code: number
  readonly hash: 'sha256' | 'sha512'
  readonly bytes: number
}

const mechanisms: { readonly [M in ScramMechanism]: Mechanism } = {
  'SCRAM-SHA-256': { code: 1, hash: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { code: 2, hash: 'sha512', bytes: 64 }
}
const byCode = new Map(Object.entries(mechanisms).map(([name, { code }]) => [code, name as ScramMechanism]))

const MIN_ITERATIONS = 4096
const MAX_ITERATIONS = 16384
/** A salt goes to whoever names the user: no one is to be made to send a long one. */
const MAX_SALT_BYTES = 255

/** Null or no names ask for all. */
export function describeUsers (users: Iterable<User>, request: Request<typeof DescribeUserScramCredentials>): Response<typeof DescribeUserScramCredentials> {
  const byName = new Map(Array.from(users, user => [user.name, user]))
  const asked = request.users === null || request.users.length === 0 ? [...byName.keys()].sort() : request.users.map(({ name }) => name)
  const times = new Map<string, number>()
  for (const name of asked) times.set(name, (times.get(name) ?? 0) + 1)
  const results = Array.from(times, ([name, count]) => describeUser(name, byName.get(name), count))
  return { throttleTimeMs: 0, errorCode: errors.NONE, errorMessage: '', results }
}

function describeUser (name: string, user: User | undefined, count: number): Described {
  if (count > 1) {
    return failedUser(name, errors.DUPLICATE_RESOURCE, `Cannot describe SCRAM credentials for the same user twice in a single request: ${name}`)
  }
  if (user === undefined) return failedUser(name, errors.RESOURCE_NOT_FOUND, `Attempt to describe a user credential that does not exist: ${name}`)
  return {
    user: name,
    errorCode: errors.NONE,
    errorMessage: '',
    credentialInfos: Array.from(user.mechanisms, ([mechanism, { iterations }]) => ({ mechanism: mechanisms[mechanism].code, iterations }))
      .sort((a, b) => a.mechanism - b.mechanism)
  }
}

const failedUser = (user: string, errorCode: number, errorMessage: string): Described => ({ user, errorCode, errorMessage, credentialInfos: [] })

/** Each user once: whoever is named twice keeps what they had. */
export function alterUsers (
  credential: (user: string, mechanism: ScramMechanism) => ScramCredential | undefined,
  { deletions, upsertions }: Request<typeof AlterUserScramCredentials>
): Plan<Response<typeof AlterUserScramCredentials>> {
  const outcomes = new Map<string, AccessChange | KafkaError>()
  const alter = (name: string, change: () => AccessChange): void => {
    outcomes.set(name, outcomes.has(name)
      ? new KafkaError('DUPLICATE_RESOURCE', 'A user credential cannot be altered twice in the same request')
      : changeOrError(change))
  }
  for (const { name, mechanism } of deletions) {
    alter(name, () => {
      const known = mechanismOf(name, mechanism)
      if (credential(name, known) === undefined) throw new KafkaError('RESOURCE_NOT_FOUND', 'Attempt to delete a user credential that does not exist')
      return { kind: 'user', name, mechanism: known, credential: null }
    })
  }
  for (const upsertion of upsertions) alter(upsertion.name, () => upsert(upsertion))
  const results = Array.from(outcomes, ([user, outcome]): Altered => outcome instanceof KafkaError
    ? { user, errorCode: outcome.errorCode, errorMessage: outcome.message }
    : { user, errorCode: errors.NONE, errorMessage: null })
  const changes = [...outcomes.values()].filter((outcome): outcome is AccessChange => !(outcome instanceof KafkaError))
  return { changes, response: { throttleTimeMs: 0, results } }
}

function changeOrError (change: () => AccessChange): AccessChange | KafkaError {
  try {
    return change()
  } catch (error) {
    if (error instanceof KafkaError) return error
    throw error
  }
}

function mechanismOf (name: string, code: number): ScramMechanism {
  if (name === '') throw new KafkaError('UNACCEPTABLE_CREDENTIAL', 'Username must not be empty')
  const mechanism = byCode.get(code)
  if (mechanism === undefined) throw new KafkaError('UNSUPPORTED_SASL_MECHANISM', 'Unknown SCRAM mechanism')
  return mechanism
}

function upsert ({ name, mechanism: code, iterations, salt, saltedPassword }: Upsertion): AccessChange {
  const mechanism = mechanismOf(name, code)
  const { hash, bytes } = mechanisms[mechanism]
  if (iterations < MIN_ITERATIONS) throw new KafkaError('UNACCEPTABLE_CREDENTIAL', 'Too few iterations')
  if (iterations > MAX_ITERATIONS) throw new KafkaError('UNACCEPTABLE_CREDENTIAL', 'Too many iterations')
  if (salt.length === 0 || salt.length > MAX_SALT_BYTES) {
    throw new KafkaError('UNACCEPTABLE_CREDENTIAL', `The salt has ${salt.length} bytes, but must have 1 to ${MAX_SALT_BYTES}`)
  }
  if (saltedPassword.length !== bytes) {
    throw new KafkaError('UNACCEPTABLE_CREDENTIAL', `The salted password has ${saltedPassword.length} bytes, but ${mechanism} makes ${bytes}`)
  }
  const storedKey = createHash(hash).update(createHmac(hash, saltedPassword).update('Client Key').digest()).digest()
  const serverKey = createHmac(hash, saltedPassword).update('Server Key').digest()
  // A copy of the salt: what the request holds is a view into its frame.
  return { kind: 'user', name, mechanism, credential: { salt: Buffer.from(salt), storedKey, serverKey, iterations } }
}
