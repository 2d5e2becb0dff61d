import { isPlainObject } from './argument-shapes.ts'

/** Arguments that contain written values. */
export const WRITTEN: readonly string[] = ['data', 'create', 'update']

const MAX_DEPTH = 6

/** Parts of a structure that are not names. They are symbols, because JSON can have any names. */
const VALUE: unique symbol = Symbol('?')
const TRUE: unique symbol = Symbol('+')
const NULL: unique symbol = Symbol('0')
const VALUES: unique symbol = Symbol('[]')
const OBJECT: unique symbol = Symbol('{')
const OBJECT_END: unique symbol = Symbol('}')
const LIST: unique symbol = Symbol('[')
const LIST_END: unique symbol = Symbol(']')
/** Stands for a part of the arguments that a structure does not show. */
const OMITTED: unique symbol = Symbol('…')

/** Position of a value: the arguments of a call, nested in them, in a `where`, or in written values. */
type Place = 'arguments' | 'within' | 'condition' | 'written'

/**
 * The arguments of calls without their values: which names occur where. Calls with the same names have the
 * same instance. It is found without building a string for each call: an instance contains those that
 * continue it.
 *
 * A list of values counts as one value; in a list of objects each object counts, except in written values,
 * where the first represents all. Within a condition and in written values, `true` is a value; elsewhere it
 * is part of the structure. Within a condition, `null` is a separate value.
 */
export class ArgumentStructure<T> {
  /** The shape of the calls with this structure. */
  known: T | undefined = undefined
  /** The instance that continued it last, and all others. Most have one. */
  #next: ArgumentStructure<T> | undefined = undefined
  #others: Map<string | symbol, ArgumentStructure<T>> | undefined = undefined

  constructor(
    private readonly part: string | symbol,
    private readonly before?: ArgumentStructure<T> | undefined,
  ) {}

  /** Identifies it. */
  get text(): string {
    return this.#parts
      .map((part) => (typeof part === 'string' ? JSON.stringify(part) : part.description))
      .join('')
  }

  /** Whether it shows all names of the arguments. */
  get isWhole(): boolean {
    return !this.#parts.includes(OMITTED)
  }

  /** Continues with a model, an operation, or the name of a field. */
  named(name: string): ArgumentStructure<T> {
    return this.#with(name)
  }

  /** Continues with the arguments of a call. */
  of(args: unknown): ArgumentStructure<T> {
    return this.#withValue(args, 0, 'arguments')
  }

  get #parts(): readonly (string | symbol)[] {
    const parts: (string | symbol)[] = []
    for (let one: ArgumentStructure<T> | undefined = this; one !== undefined; one = one.before)
      parts.push(one.part)
    return parts.reverse()
  }

  #withValue(value: unknown, depth: number, place: Place): ArgumentStructure<T> {
    if (place === 'condition' && value === null) return this.#with(NULL)
    if (typeof value !== 'object' || value === null)
      return this.#with(value === true && (place === 'within' || place === 'arguments') ? TRUE : VALUE)
    if (depth >= MAX_DEPTH) return this.#with(OMITTED)
    if (Array.isArray(value)) return this.#withItems(value, depth, place)
    if (!isPlainObject(value)) return this.#with(VALUE)
    let structure = this.#with(OBJECT)
    for (const name in value) {
      const inner = value[name]
      if (inner !== undefined)
        structure = structure.#with(name).#withValue(inner, depth + 1, placeOf(name, place))
    }
    return structure.#with(OBJECT_END)
  }

  #withItems(items: readonly unknown[], depth: number, place: Place): ArgumentStructure<T> {
    const [first] = items
    if (typeof first !== 'object' || first === null)
      return this.#with(items.some(isPlainObject) ? OMITTED : VALUES)
    let structure = this.#with(LIST)
    for (const item of place === 'written' ? [first] : items)
      structure = structure.#withValue(item, depth + 1, place)
    return structure.#with(LIST_END)
  }

  #with(part: string | symbol): ArgumentStructure<T> {
    const latest = this.#next
    if (latest?.part === part) return latest
    if (latest !== undefined) {
      this.#others ??= new Map()
      this.#others.set(latest.part, latest)
    }
    const next = this.#others?.get(part) ?? new ArgumentStructure(part, this)
    this.#next = next
    return next
  }
}

function placeOf(name: string, outer: Place): Place {
  if (outer === 'condition' || name === 'where') return 'condition'
  if (outer === 'arguments') return WRITTEN.includes(name) ? 'written' : 'within'
  return outer
}
