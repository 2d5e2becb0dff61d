/** Rows that one query may bring: a loop holds those of one key at a time, and its app may count on that. */
const MAX_ROWS = 10_000
/** Bytes that they may take, roughly. */
const MAX_BYTES = 16 * 1024 * 1024
const MAX_DEPTH = 4
/** Items of a list, or fields of an object, that stand for the rest. */
const MAX_SAMPLES = 64

/** How many rows the keys of a loop have, and how large they are. */
export class RowMeasure {
  #answers = 0
  #rows = 0
  #largest = 0

  /** Takes in the answer to one key. */
  add(answer: unknown): void {
    this.#answers += 1
    if (answer === null || answer === undefined) return
    this.#rows += Array.isArray(answer) ? answer.length : 1
    const sample: unknown = Array.isArray(answer) ? answer[0] : answer
    // Rows of one shape are alike: the first ones tell.
    if (this.#answers <= MAX_SAMPLES) this.#largest = Math.max(this.#largest, roughBytes(sample, 0))
  }

  /** So many keys have at least so many rows. */
  addMany(keys: number, rows: number): void {
    this.#answers += keys
    this.#rows += rows
  }

  /** Rows of a key, averaged; `undefined` before the first answer. */
  get rowsOfKey(): number | undefined {
    return this.#answers === 0 ? undefined : this.#rows / this.#answers
  }

  /** The most rows that one query should bring. */
  get maxRows(): number {
    return this.#largest === 0 ? MAX_ROWS : Math.max(1, Math.min(MAX_ROWS, Math.floor(MAX_BYTES / this.#largest)))
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
