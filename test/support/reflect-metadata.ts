/**
 * As much of the metadata reflection proposal as @peculiar/x509 asks for when it is loaded: what is known of a class, kept
 * beside it. Imported for its effect, before that package.
 */
type Key = string | symbol

const known = new WeakMap<object, Map<Key, unknown>>()

const reflection = {
  defineMetadata (key: Key, value: unknown, target: object): void {
    const entries = known.get(target) ?? new Map<Key, unknown>()
    known.set(target, entries.set(key, value))
  },

  getOwnMetadata: (key: Key, target: object): unknown => known.get(target)?.get(key),

  getMetadata (key: Key, target: object): unknown {
    for (let one: object | null = target; one !== null; one = Object.getPrototypeOf(one) as object | null) {
      if (known.get(one)?.has(key) === true) return known.get(one)!.get(key)
    }
    return undefined
  }
}

if (!('getMetadata' in Reflect)) Object.assign(Reflect, reflection)
