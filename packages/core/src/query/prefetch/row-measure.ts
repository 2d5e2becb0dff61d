/**
 * Maximum number of rows of one query. Without Sluice, a loop holds the rows of one key at a time, and the
 * app may rely on that.
 */
const MAX_ROWS = 10_000
/** Approximate maximum size of these rows, in bytes. */
const MAX_BYTES = 16 * 1024 * 1024
const MAX_DEPTH = 4
/** Number of items of a list, or fields of an object, from which the rest is estimated. */
const MAX_SAMPLES = 64

/** Measures how many rows the keys of a loop have, and how large the rows are. */
export class RowMeasure {
  #answers = 0
  #rows = 0
  #largest = 0

  /** Measures the result of one key. */
  add(answer: unknown): void {
    this.#answers += 1
    if (answer === null || answer === undefined) return
    this.#rows += Array.isArray(answer) ? answer.length : 1
    const sample: unknown = Array.isArray(answer) ? answer[0] : answer
    // Rows of one query are similar, so the first ones are representative.
    if (this.#answers <= MAX_SAMPLES) this.#largest = Math.max(this.#largest, roughBytes(sample, 0))
  }

  /** Records that this many keys have at least this many rows. */
  addMany(keys: number, rows: number): void {
    this.#answers += keys
    this.#rows += rows
  }

  /** Average number of rows of a key; `undefined` before the first result. */
  get rowsOfKey(): number | undefined {
    return this.#answers === 0 ? undefined : this.#rows / this.#answers
  }

  /** Maximum number of rows that one query should return. */
  get maxRows(): number {
    return this.#largest === 0
      ? MAX_ROWS
      : Math.max(1, Math.min(MAX_ROWS, Math.floor(MAX_BYTES / this.#largest)))
  }
}

function roughBytes(value: unknown, depth: number): number {
  if (typeof value === 'string') return 2 * value.length
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return 8
  if (ArrayBuffer.isView(value)) return value.byteLength
  const items: readonly unknown[] = Array.isArray(value) ? value : Object.values(value)
  let bytes = 16
  for (const item of items.slice(0, MAX_SAMPLES)) bytes += roughBytes(item, depth + 1)
  return items.length > MAX_SAMPLES ? bytes * (items.length / MAX_SAMPLES) : bytes
}
