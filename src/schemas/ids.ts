/**
 * The ids of one context. An id means one content for as long as a version has it; the next one is one more than the largest
 * that ever was, as far as the log tells.
 */
import type { Content } from './content.ts'
import type { SchemaVersion } from './model.ts'

/** A version as it is kept. */
export interface Stored {
  readonly view: SchemaVersion
  readonly content: Content
  /** What its value in the log says beyond what is known here; written again with it. */
  readonly extra: Readonly<Record<string, unknown>> | null
  /** Whether a gateway like this one has given its numbers. */
  readonly isOurs: boolean
}

interface Bound {
  /** What the id means: that of the first version that had it, where another registry gave it to several. */
  content: Content
  /** Versions that have the id, deleted ones too. */
  readonly versions: Set<Stored>
}

export class ContextIds {
  readonly #bound = new Map<number, Bound>()
  /** Ids by content, the first one first; more than one only where another registry, or an import, gave them. */
  readonly #ids = new Map<string, number[]>()
  readonly #keysOfGuid = new Map<string, Set<string>>()
  readonly #similar = new Map<number, Set<Content>>()
  #max = 0

  get max (): number { return this.#max }
  get isEmpty (): boolean { return this.#bound.size === 0 }

  contentOf (id: number): Content | undefined {
    return this.#bound.get(id)?.content
  }

  versionsOf (id: number): Iterable<Stored> {
    return this.#bound.get(id)?.versions ?? []
  }

  /** One of the versions that have the id, one that is not deleted if there is such a one. */
  versionOf (id: number): SchemaVersion | undefined {
    const bound = this.#bound.get(id)
    if (bound === undefined) return undefined
    let first: SchemaVersion | undefined
    for (const { view, content } of bound.versions) {
      if (content.key !== bound.content.key) continue
      if (!view.deleted) return view
      first ??= view
    }
    return first
  }

  idOf (content: Content): number | undefined {
    return this.#ids.get(content.key)?.[0]
  }

  /** In order. */
  idsOfGuid (guid: string): number[] {
    return [...this.#keysOfGuid.get(guid) ?? []].flatMap(key => this.#ids.get(key) ?? []).sort((a, b) => a - b)
  }

  /** The one that is kept of equal contents, or this one. */
  interned (content: Content): Content {
    const id = this.idOf(content)
    return id === undefined ? content : this.#bound.get(id)!.content
  }

  similarTo (content: Content): Iterable<Content> {
    return this.#similar.get(content.similarity) ?? []
  }

  add (stored: Stored): void {
    const { view: { id }, content } = stored
    this.#max = Math.max(this.#max, id)
    const bound = this.#bound.get(id)
    if (bound !== undefined) {
      bound.versions.add(stored)
      return
    }
    this.#bound.set(id, { content, versions: new Set([stored]) })
    this.#index(id, content)
  }

  remove (stored: Stored): void {
    const { id } = stored.view
    const bound = this.#bound.get(id)!
    bound.versions.delete(stored)
    const [next] = bound.versions
    if ([...bound.versions].some(({ content }) => content.key === bound.content.key)) return
    this.#unindex(id, bound.content)
    if (next === undefined) this.#bound.delete(id)
    else this.#index(id, bound.content = next.content)
  }

  #index (id: number, content: Content): void {
    const ids = this.#ids.get(content.key)
    if (ids !== undefined) ids.push(id)
    else {
      this.#ids.set(content.key, [id])
      addTo(this.#keysOfGuid, content.guid, content.key)
      addTo(this.#similar, content.similarity, content)
    }
  }

  #unindex (id: number, content: Content): void {
    const ids = this.#ids.get(content.key)!.filter(one => one !== id)
    if (ids.length > 0) this.#ids.set(content.key, ids)
    else {
      this.#ids.delete(content.key)
      removeFrom(this.#keysOfGuid, content.guid, key => key === content.key)
      removeFrom(this.#similar, content.similarity, one => one.key === content.key)
    }
  }
}

function addTo<K, V> (map: Map<K, Set<V>>, key: K, value: V): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, new Set([value]))
  else values.add(value)
}

function removeFrom<K, V> (map: Map<K, Set<V>>, key: K, isIt: (value: V) => boolean): void {
  const values = map.get(key)!
  for (const value of values) if (isIt(value)) values.delete(value)
  if (values.size === 0) map.delete(key)
}
