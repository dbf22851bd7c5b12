/**
 * What validating one payload may cost. A schema can ask for work that grows with the power of what it is given (an `anyOf`
 * that refers to itself twice), and generated code cannot be interrupted, so it counts.
 */

/** Thrown out of generated code. */
export class WorkExceeded extends Error {
  override readonly name = 'WorkExceeded'
}

/** A unit is a subschema that was looked at: some ten nanoseconds. */
const UNITS_AT_LEAST = 50_000
const UNITS_PER_BYTE = 6
/** Characters that are counted in a unit of work. What takes longer has more weight. */
const CHARS_PER_UNIT = 16
/** That are passed over in a unit of work. */
const ITEMS_PER_UNIT = 4
/** Names that are asked for in a unit of work. */
export const NAMES_PER_UNIT = 8
/** From here on an object is a hash table, whose names have to be brought into order. */
const MANY_NAMES = 1_000
const UNITS_PER_MANY = 4

export class Work {
  left = 0

  /** For a payload of so many bytes. */
  start (bytes: number): void {
    this.left = UNITS_AT_LEAST + bytes * UNITS_PER_BYTE
  }

  spend (units: number): void {
    if ((this.left -= units) < 0) throw new WorkExceeded()
  }

  /** Each of these three: for keywords whose time grows with the size of the value, of that weight together. */
  spendOnText (text: string, weight: number): void {
    this.spend(Math.floor(text.length * weight / CHARS_PER_UNIT))
  }

  spendOnItems (items: readonly unknown[], weight: number): void {
    this.spend(Math.floor(items.length * weight / ITEMS_PER_UNIT))
  }

  spendOnNames (object: object, weight: number): void {
    const names = Object.keys(object).length
    this.spend(names * weight * (names > MANY_NAMES ? UNITS_PER_MANY : 1))
  }
}
