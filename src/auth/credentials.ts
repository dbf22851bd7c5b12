/**
 * Who knows passwords: the users of the log, and the admin of the configuration, who goes before a user of that name.
 *
 * A password is checked against what SCRAM keeps of it, which takes a millisecond of another thread on purpose. So few are
 * checked at a time, few wait, and what was right is remembered for a minute: as a keyed hash, and only until some user's
 * credentials change. A user who does not exist costs the same work as one who does.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { ScramCredential, ScramMechanism, UserDirectory } from '../access/model.ts'
import { BoundedMap } from './bounded-map.ts'
import { AuthenticationFailed } from './identity.ts'
import { DEFAULT_ITERATIONS, SALT_BYTES, hashes, saltOf, saltPassword, scramCredential, storedKeyOf } from './scram-credential.ts'
import { Turns, type TurnLimits } from './turns.ts'

const REMEMBERED_MS = 60_000
const MAX_REMEMBERED = 10_000

/** Of the sixteen threads that are shared with the disk. */
const LIMITS: TurnLimits = { atOnce: 4, waiting: 1024, waitingEach: 128 }

const TOO_MANY = 'Authentication failed: too many logins are waiting to be checked. Try again in a moment.'

export interface CredentialsOptions {
  readonly directory: UserDirectory
  readonly admin: { readonly name: string, readonly password: string } | null
  readonly limits?: TurnLimits
  /** In ms; only differences count. */
  readonly clock?: () => number
}

interface Admin {
  readonly name: string
  readonly credentials: Readonly<Record<ScramMechanism, ScramCredential>>
}

export class Credentials {
  readonly #directory: UserDirectory
  readonly #admin: Admin | null
  readonly #clock: () => number
  readonly #turns: Turns
  /** Of this process alone: hashes and made-up salts mean nothing to another. */
  readonly #secret = randomBytes(32)
  readonly #remembered = new BoundedMap<string, number>(MAX_REMEMBERED)
  readonly #underway = new Map<string, Promise<boolean>>()
  #revision: number
  #derivations = 0

  private constructor ({ directory, limits = LIMITS, clock = () => performance.now() }: CredentialsOptions, admin: Admin | null) {
    this.#directory = directory
    this.#clock = clock
    this.#turns = new Turns(limits)
    this.#admin = admin
    this.#revision = directory.revision
  }

  static async create (options: CredentialsOptions): Promise<Credentials> {
    if (options.admin === null) return new Credentials(options, null)
    const { name, password } = options.admin
    return new Credentials(options, {
      name,
      credentials: {
        'SCRAM-SHA-256': await scramCredential(password, 'SCRAM-SHA-256'),
        'SCRAM-SHA-512': await scramCredential(password, 'SCRAM-SHA-512')
      }
    })
  }

  /** How often a password was salted: for metrics, and to show that it is as often for users who do not exist. */
  get derivations (): number { return this.#derivations }

  /** The true one, or a made-up one that never matches: always the same for a name, as true ones are. */
  scram (user: string, mechanism: ScramMechanism): ScramCredential {
    const madeUp = this.#madeUp(user, mechanism)
    return this.#known(user, mechanism) ?? madeUp
  }

  /** Whether this password was right a moment ago. */
  remembers (user: string, password: string): boolean {
    this.#forgetAfterChange()
    const until = this.#remembered.get(this.#digest(user, password))
    return until !== undefined && this.#clock() < until
  }

  /** `origin` is who waits in one line. Rejects with AuthenticationFailed if too many wait already. */
  async verify (user: string, password: string, origin = ''): Promise<boolean> {
    if (this.remembers(user, password)) return true
    const digest = this.#digest(user, password)
    // Many requests of one client that begins: its password is checked once.
    const underway = this.#underway.get(digest)
    if (underway !== undefined) return await underway
    const check = this.#turns.run(origin, () => this.#check(user, password, digest))
    if (check === null) throw new AuthenticationFailed('overloaded: too many passwords wait to be checked', TOO_MANY)
    this.#underway.set(digest, check)
    try {
      return await check
    } finally {
      if (this.#underway.get(digest) === check) this.#underway.delete(digest)
    }
  }

  async #check (user: string, password: string, digest: string): Promise<boolean> {
    this.#forgetAfterChange()
    const revision = this.#revision
    const mechanism = this.#known(user, 'SCRAM-SHA-256') === undefined && this.#known(user, 'SCRAM-SHA-512') !== undefined ? 'SCRAM-SHA-512' : 'SCRAM-SHA-256'
    const { salt, iterations, storedKey } = this.scram(user, mechanism)
    this.#derivations++
    const derived = storedKeyOf(await saltPassword(password, salt, iterations, mechanism), mechanism)
    const right = derived.length === storedKey.length && timingSafeEqual(derived, storedKey)
    if (right && revision === this.#directory.revision) this.#remembered.set(digest, this.#clock() + REMEMBERED_MS)
    return right
  }

  #known (user: string, mechanism: ScramMechanism): ScramCredential | undefined {
    return user === this.#admin?.name ? this.#admin.credentials[mechanism] : this.#directory.credential(user, mechanism)
  }

  #forgetAfterChange (): void {
    const { revision } = this.#directory
    if (revision === this.#revision) return
    this.#revision = revision
    this.#remembered.clear()
    // Checks that are underway go by what was known when they began: whoever comes now is not to share them.
    this.#underway.clear()
  }

  /**
   * As many iterations as a user gets where nobody says otherwise. An operator who gives all users more shows with it which
   * names are theirs, as Kafka does.
   */
  #madeUp (user: string, mechanism: ScramMechanism): ScramCredential {
    const { length } = hashes[mechanism]
    return {
      salt: saltOf(this.#mac('salt', mechanism, user).subarray(0, SALT_BYTES)),
      iterations: DEFAULT_ITERATIONS,
      storedKey: this.#mac('stored', mechanism, user).subarray(0, length),
      serverKey: this.#mac('server', mechanism, user).subarray(0, length)
    }
  }

  #digest (user: string, password: string): string { return this.#mac('password', user, password).toString('base64') }

  #mac (...parts: readonly string[]): Buffer {
    // As JSON: no two lists of parts read the same.
    return createHmac('sha512', this.#secret).update(JSON.stringify(parts)).digest()
  }
}
