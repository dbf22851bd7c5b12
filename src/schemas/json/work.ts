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

export class Work {
  left = 0

  /** For a payload of so many bytes. */
  start (bytes: number): void {
    this.left = UNITS_AT_LEAST + bytes * UNITS_PER_BYTE
  }

  spend (units: number): void {
    if ((this.left -= units) < 0) throw new WorkExceeded()
  }
}
