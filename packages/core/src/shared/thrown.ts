import { types } from 'node:util'
import { type Context, createContext, Script } from 'node:vm'

/** Milliseconds that code of a thrown value can run: its getters, its Proxy, its `toString`. */
const MAX_MS = 50
/** Longer than any bound of `redactStart`, with its margin. */
const MAX_LENGTH = 65_536
const MAX_PROTOTYPES = 100

/** The readable parts of a thrown value. */
export interface ThrownFacts {
  /** Whether it is an `Error`, also one of another realm or behind a Proxy. */
  readonly isError: boolean
  /** The message of an error or of an object with one; the string of any other value. */
  readonly message: string
  readonly name: string | undefined
  readonly stack: string | undefined
  readonly code: string | number | undefined
}

/** `instanceof` for a value that can be anything. Never throws: a Proxy is an instance of nothing. */
export function isInstance<T>(
  value: unknown,
  type: (abstract new (...args: never[]) => T) & { readonly prototype: T },
): value is T {
  try {
    return !types.isProxy(value) && value instanceof type
  } catch {
    return false
  }
}

/** Reads a property of a value that can be anything. Never throws; `undefined` if it cannot be read. */
export function readThrown(value: unknown, name: PropertyKey): unknown {
  return readAllThrown(value, [name])[0]
}

/** Like `readThrown`, for several properties. */
export function readAllThrown(value: unknown, names: readonly PropertyKey[]): readonly unknown[] {
  return isObject(value) ? readAll(value, names) : []
}

/**
 * The value of a data property: `undefined` for an accessor, and behind a Proxy. Runs no code of the value.
 */
export function readData(value: object, name: PropertyKey): unknown {
  const found = dataOf(value, name)
  return found === FOREIGN ? undefined : found
}

/**
 * Reads the parts of a value that was thrown: any value. Never throws, and is bounded in length and in time,
 * even if the value runs code when it is read.
 */
export function factsOf(value: unknown): ThrownFacts {
  if (!isObject(value))
    return {
      isError: false,
      message: primitiveText(value),
      name: undefined,
      stack: undefined,
      code: undefined,
    }
  const known = slow.get(value)
  if (known !== undefined) return known
  const startedAt = performance.now()
  const facts = factsOfObject(value)
  if (performance.now() - startedAt > MAX_MS / 5) slow.set(value, facts)
  return facts
}

/** Values that take long to read are read once. */
const slow = new WeakMap<object, ThrownFacts>()

function factsOfObject(value: object): ThrownFacts {
  const [message, name, stack, code] = readAll(value, ['message', 'name', 'stack', 'code'])
  const isError = types.isNativeError(value) || isInstance(value, Error) || isWrappedError(value)
  return {
    isError,
    message: textOf(message) || (isError ? '' : objectText(value)),
    name: typeof name === 'string' ? start(name) : undefined,
    stack: typeof stack === 'string' ? start(stack) : undefined,
    code: typeof code === 'number' ? code : typeof code === 'string' ? start(code) : undefined,
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** A Proxy of an error is treated as the error, as most code would. */
function isWrappedError(value: object): boolean {
  if (!types.isProxy(value)) return false
  return runBounded(() => value instanceof Error) === true
}

function readAll(value: object, names: readonly PropertyKey[]): unknown[] {
  const found = names.map((name) => (name === 'stack' ? undefined : dataOf(value, name)))
  const at = names.indexOf('stack')
  // Formatting a stack reads the message and the name.
  if (at >= 0) found[at] = found.includes(FOREIGN) ? FOREIGN : dataOf(value, 'stack')
  if (!found.includes(FOREIGN)) return found
  // One bounded run for all: what was read before the time was up remains.
  const read = found.map((one) => (one === FOREIGN ? undefined : one))
  runBounded(() => {
    for (const [index, name] of names.entries()) {
      if (found[index] !== FOREIGN) continue
      try {
        read[index] = (value as Readonly<Record<PropertyKey, unknown>>)[name]
      } catch {
        // Stays undefined.
      }
    }
  })
  return read
}

/** Some versions of V8 have an accessor for the stack. */
const nativeStack = Object.getOwnPropertyDescriptor(new Error(), 'stack')?.get

/** Only code of the value can read the property. */
const FOREIGN = Symbol('foreign')

/** The value of a data property, without running any code. */
function dataOf(value: object, name: PropertyKey): unknown {
  try {
    let at: object | null = value
    for (let depth = 0; at !== null && depth < MAX_PROTOTYPES; depth += 1) {
      if (types.isProxy(at)) return FOREIGN
      const found = Object.getOwnPropertyDescriptor(at, name)
      if (found !== undefined && 'value' in found) return found.value
      if (found !== undefined)
        return found.get === nativeStack && at === value ? found.get?.call(value) : FOREIGN
      at = Object.getPrototypeOf(at)
    }
    return undefined
  } catch {
    // Such as an export of a module that is not initialized.
    return undefined
  }
}

function objectText(value: object): string {
  if (typeof value === 'function') return 'a function'
  const written = dataOf(value, 'toString')
  const isPlain =
    dataOf(value, Symbol.toPrimitive) === undefined && (written === undefined || STANDARD.has(written))
  const text = isPlain ? undefined : runBounded(() => String(value))
  return typeof text === 'string' ? start(text) : 'an object'
}

/** These read elements and tags: any amount of code of the value. */
const STANDARD: ReadonlySet<unknown> = new Set([Object.prototype.toString, Array.prototype.toString])

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return start(value)
  return value === undefined || value === null || isObject(value) ? undefined : primitiveText(value)
}

function primitiveText(value: unknown): string {
  if (typeof value === 'string') return start(value)
  if (typeof value !== 'bigint') return start(String(value))
  const isShort = value === BigInt.asIntN(256, value)
  return isShort ? String(value) : 'a bigint of more than 256 bits'
}

/**
 * The first characters, as a string that does not retain the rest, and that every database can store: without
 * NUL and unpaired surrogates.
 */
function start(text: string): string {
  if (text.length <= MAX_LENGTH && !UNSTORABLE.test(text)) return text
  // A round trip replaces surrogates, and copies: a slice would retain the whole string.
  return Buffer.from(text.slice(0, MAX_LENGTH)).toString().replaceAll('\0', '\uFFFD')
}

const UNSTORABLE = /[\0\uD800-\uDFFF]/

const script = new Script('run()')
let sandbox: Context | undefined

/**
 * Runs code of a thrown value, which may throw, or not end.
 *
 * @returns `undefined` then.
 */
function runBounded(run: () => unknown): unknown {
  sandbox ??= createContext({})
  sandbox.run = run
  try {
    return script.runInContext(sandbox, { timeout: MAX_MS })
  } catch {
    return undefined
  } finally {
    sandbox.run = undefined
  }
}
