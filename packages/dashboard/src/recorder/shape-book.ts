import type { Dialect } from '@sluice/core'
import type { Shape } from '@sluice/core/adapter'

/** What rows say of their shape. One object for all rows of a fingerprint. */
export interface KnownShape {
  readonly fingerprint: string
  readonly label: string
  readonly kind: Shape['kind']
  readonly table: string | undefined
  /** Of an operation; a statement's has none. */
  readonly shape: Shape | undefined
  /** Set once a statement of this fingerprint was seen. */
  dialect: Dialect | undefined
  /** How many rows that are kept are of it. */
  uses: number
}

/** An object of a shape and its entry of the map. */
const ENTRY_BYTES = 250

/** The shapes of the rows that are kept: each once, for as long as a row is of it. */
export class ShapeBook {
  readonly #shapes = new Map<string, KnownShape>()
  /** An estimate of the heap. */
  bytes = 0

  get size(): number {
    return this.#shapes.size
  }

  /** Holds a shape for one row more. */
  hold(made: Omit<KnownShape, 'uses'>): KnownShape {
    const known = this.#shapes.get(made.fingerprint)
    if (known !== undefined) {
      known.uses += 1
      known.dialect ??= made.dialect
      return known
    }
    const { fingerprint, label, kind, table, shape: of, dialect } = made
    const shape = { fingerprint, label, kind, table, shape: of, dialect, uses: 1 }
    this.#shapes.set(made.fingerprint, shape)
    this.bytes += bytesOf(shape)
    return shape
  }

  /** A row is gone. */
  release(shape: KnownShape): void {
    shape.uses -= 1
    if (shape.uses > 0) return
    this.#shapes.delete(shape.fingerprint)
    this.bytes -= bytesOf(shape)
  }
}

/** A byte a character: SQL is Latin, but for names that somebody chose to write otherwise. */
function bytesOf({ label, fingerprint }: KnownShape): number {
  return ENTRY_BYTES + label.length + fingerprint.length
}
