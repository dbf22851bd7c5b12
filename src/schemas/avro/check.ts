/**
 * Walks over payloads without building anything: a schema becomes closures once, each of which moves the cursor past a value of
 * its type, or notes the flaw.
 */
import type { Cursor } from './cursor.ts'
import { MAX_EMPTY_ITEMS, MAX_VALUE_DEPTH } from './cursor.ts'
import { isDecimal } from './logical.ts'
import { partsOf, type EnumType, type RecordType, type Type, type UnionType } from './schema.ts'
import { MAX_DECIMAL_BYTES } from './decimal.ts'
import { expectationOf } from './words.ts'

export type Skip = (cursor: Cursor) => boolean

/** One for each type, made when it is first asked for. */
export class Skippers {
  readonly #made = new Map<Type, Skip>()
  readonly #empty = new Map<Type, boolean>()

  for (type: Type): Skip {
    const known = this.#made.get(type)
    if (known !== undefined) return known
    // Until it is made, a type that contains itself finds this in its place.
    this.#made.set(type, cursor => made(cursor))
    const made = this.#make(type)
    this.#made.set(type, made)
    return made
  }

  #make (type: Type): Skip {
    if (isDecimal(type)) return decimal(type.kind === 'fixed' ? type.size : null)
    switch (type.kind) {
      case 'null': return () => true
      case 'boolean': return cursor => cursor.skipBoolean()
      case 'int': return cursor => cursor.skipInt()
      case 'long': return cursor => cursor.skipLong()
      case 'float': return cursor => cursor.skip(4, 'float')
      case 'double': return cursor => cursor.skip(8, 'double')
      case 'bytes': return cursor => cursor.skipBytes()
      case 'string': return cursor => cursor.skipString()
      case 'fixed': return fixed(type.size)
      case 'enum': return enumeration(type)
      case 'array': return blocks(this.for(type.items), this.isEmpty(type.items), false)
      case 'map': return blocks(this.for(type.values), false, true)
      case 'union': return this.#union(type)
      case 'record': return this.#record(type)
    }
  }

  #union (type: UnionType): Skip {
    const branches = type.types.map(branch => this.for(branch))
    const expected = expectationOf(type)
    return cursor => {
      const index = cursor.count(expected)
      const branch = branches[index]
      if (branch !== undefined) return branch(cursor)
      return Number.isNaN(index) ? false : cursor.fail(expected, `the branch ${index} of ${branches.length}`)
    }
  }

  #record (type: RecordType): Skip {
    // What takes no bytes is always right, and is not counted: so no payload takes more steps than it has bytes.
    const fields = type.fields.filter(field => !this.isEmpty(field.type))
    const skips = fields.map(field => this.for(field.type))
    const names = fields.map(field => field.name)
    return cursor => {
      if (++cursor.depth > MAX_VALUE_DEPTH) return tooDeep(cursor)
      for (let i = 0; i < skips.length; i++) if (!skips[i]!(cursor)) return cursor.inField(names[i]!)
      cursor.depth--
      return true
    }
  }

  /** Whether its values take no bytes at all. */
  isEmpty (type: Type): boolean {
    const known = this.#empty.get(type)
    if (known !== undefined) return known
    // A record that contains itself has no end, and is no empty one.
    this.#empty.set(type, false)
    const empty = type.kind === 'null' || (type.kind === 'fixed' && type.size === 0) ||
      (type.kind === 'record' && partsOf(type).every(part => this.isEmpty(part)))
    this.#empty.set(type, empty)
    return empty
  }
}

const tooDeep = (cursor: Cursor): false => cursor.fail(`at most ${MAX_VALUE_DEPTH} values within each other`, 'more')

function fixed (size: number): Skip {
  const expected = `fixed of ${size} bytes`
  return cursor => cursor.skip(size, expected)
}

/**
 * Numbers of that many digits take long to turn into decimal ones, and are none that anybody means. The precision is not looked
 * at: neither does Java's decoder, which makes 83886.07 of three bytes where the schema has a precision of 5.
 */
function decimal (size: number | null): Skip {
  const expected = `decimal of 1 to ${MAX_DECIMAL_BYTES} bytes`
  return cursor => {
    const length = size ?? cursor.length(expected)
    if (length < 0) return false
    if (length === 0 || length > MAX_DECIMAL_BYTES) return cursor.fail(expected, `${length} bytes`)
    return cursor.skip(length, expected)
  }
}

function enumeration (type: EnumType): Skip {
  const count = type.symbols.length
  const expected = expectationOf(type)
  return cursor => {
    const index = cursor.count(expected)
    return (index >= 0 && index < count) || (!Number.isNaN(index) && cursor.fail(expected, `the symbol ${index} of ${count}`))
  }
}

/** Arrays and maps: blocks of a count and so many items, the last one of none; a negative count is followed by the bytes of its block. */
function blocks (skip: Skip, isEmpty: boolean, isMap: boolean): Skip {
  const expected = isMap ? 'map' : 'array'
  return cursor => {
    if (++cursor.depth > MAX_VALUE_DEPTH) return tooDeep(cursor)
    for (let seen = 0; ;) {
      let count = cursor.count(expected)
      if (count === 0) break
      let blockEnd = -1
      if (count < 0) {
        const size = cursor.length(`${expected} block`)
        if (size < 0) return false
        blockEnd = cursor.at + size
        count = -count
      } else if (Number.isNaN(count)) {
        return false
      }
      if (isEmpty) {
        cursor.emptyItems += count
        if (cursor.emptyItems > MAX_EMPTY_ITEMS) return cursor.fail(`at most ${MAX_EMPTY_ITEMS} items that take no bytes`, `${cursor.emptyItems} of them`)
      } else if (count > cursor.end - cursor.at) {
        return cursor.fail(expected, `${count} ${isMap ? 'entries' : 'items'} in ${cursor.end - cursor.at} bytes`)
      } else {
        for (let i = 0; i < count; i++) {
          const at = cursor.at
          if (isMap && !cursor.skipString()) return cursor.inItem(seen + i)
          if (!skip(cursor)) return isMap ? cursor.inEntry(keyAt(cursor, at)) : cursor.inItem(seen + i)
        }
      }
      if (blockEnd >= 0 && cursor.at !== blockEnd) {
        const difference = `${Math.abs(blockEnd - cursor.at)} bytes ${blockEnd > cursor.at ? 'more' : 'less'}`
        return cursor.fail(expected, `a block whose size is ${difference} than what is in it`)
      }
      seen += count
    }
    cursor.depth--
    return true
  }
}

/** Of an entry whose value has a flaw. */
function keyAt (cursor: Cursor, at: number): string {
  const { at: here } = cursor
  cursor.at = at
  const key = cursor.readText()
  cursor.at = here
  return key
}
