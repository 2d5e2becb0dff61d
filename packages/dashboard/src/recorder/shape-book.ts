import type { Dialect } from '@sluice/core'
import type { Shape } from '@sluice/core/adapter'

/** Shared data of all rows with one fingerprint. */
export interface KnownShape {
  readonly fingerprint: string
  readonly label: string
  readonly kind: Shape['kind']
  readonly table: string | undefined
  /** Only for an operation, not for a statement. */
  readonly shape: Shape | undefined
  /** Set when the first statement with this fingerprint is sent. */
  dialect: Dialect | undefined
  /** Number of stored rows that use it. */
  uses: number
}

/** Heap size of an entry and its object. */
const ENTRY_BYTES = 250

/** The normalized queries of all stored rows, with reference counts. */
export class ShapeBook {
  readonly #shapes = new Map<string, KnownShape>()
  /** An estimate of the heap size. */
  bytes = 0

  get size(): number {
    return this.#shapes.size
  }

  /** Adds a reference to a normalized query. */
  hold(created: Omit<KnownShape, 'uses'>): KnownShape {
    const known = this.#shapes.get(created.fingerprint)
    if (known !== undefined) {
      known.uses += 1
      known.dialect ??= created.dialect
      return known
    }
    const { fingerprint, label, kind, table, shape: of, dialect } = created
    const shape = { fingerprint, label, kind, table, shape: of, dialect, uses: 1 }
    this.#shapes.set(created.fingerprint, shape)
    this.bytes += bytesOf(shape)
    return shape
  }

  /** Removes a reference. */
  release(shape: KnownShape): void {
    shape.uses -= 1
    if (shape.uses > 0) return
    this.#shapes.delete(shape.fingerprint)
    this.bytes -= bytesOf(shape)
  }
}

/** Assumes one byte per character, because SQL rarely contains other than Latin characters. */
function bytesOf({ label, fingerprint }: KnownShape): number {
  return ENTRY_BYTES + label.length + fingerprint.length
}
