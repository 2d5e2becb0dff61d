/** Blocks for so long if its code runs without a time limit. */
export const SLOW_MS = 2_000

function loop(): never {
  const end = performance.now() + SLOW_MS
  while (performance.now() < end);
  throw new Error('too late')
}

function fail(): never {
  throw new Error('a trap')
}

const failing = new Proxy({}, { get: () => fail })

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function withCause(): Error {
  const error = new Error('cyclic')
  error.cause = error
  return error
}

function withItself(): AggregateError {
  const errors: unknown[] = []
  const error = new AggregateError(errors, '')
  errors.push(error)
  error.errors = errors
  return error
}

const accessor = (name: string, get: () => unknown): Error =>
  Object.defineProperty(new Error('an accessor'), name, { get, configurable: true })

/** Values that code can throw, and that are hard to show. Each call creates new ones. */
export const thrownValues: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  'an empty string': () => '',
  'a string of 20 MB': () => 'x'.repeat(20_000_000),
  'a string with NUL and a lone surrogate': () => 'a\0b\uD800',
  'a number': () => Number.NaN,
  'a bigint': () => 10n ** 40n,
  'a huge bigint': () => 1n << 80_000_000n,
  'a symbol': () => Symbol('oops'),
  'a function': () => () => fail(),
  'an object without a prototype': () => Object.create(null),
  'an object that cannot be converted': () => ({ toString: fail, toJSON: fail, [Symbol.toPrimitive]: fail }),
  'an object that is converted slowly': () => ({ toString: loop, toJSON: loop, [Symbol.toPrimitive]: loop }),
  // biome-ignore lint/suspicious/noThenProperty: a thrown value can have any property
  'a thenable': () => ({ then: (_: unknown, reject: (error: unknown) => void) => reject(fail) }),
  'an object with a failing then': () => Object.defineProperty({}, 'then', { get: fail }),
  'a Proxy': () => new Proxy(new Error('behind a Proxy'), {}),
  'a Proxy whose traps throw': () => new Proxy({}, failing),
  'a Proxy whose traps are slow': () => new Proxy({}, { get: loop, getPrototypeOf: loop, ownKeys: loop }),
  'a revoked Proxy': revoked,
  'an object with a revoked prototype': () => Object.setPrototypeOf({}, revoked() as object),
  'an Error with a failing message': () => accessor('message', fail),
  'an Error with a slow message': () => accessor('message', loop),
  'an Error with a failing stack': () => accessor('stack', fail),
  'an Error with a failing name': () => accessor('name', fail),
  'an Error with a failing code': () => accessor('code', fail),
  'an Error with a failing cause': () => accessor('cause', fail),
  'an Error with objects as strings': () =>
    Object.assign(new Error('a'), { message: Object.create(null), stack: 5, name: Symbol('b'), code: {} }),
  'an Error that is its cause': withCause,
  'an AggregateError that contains itself': withItself,
  'a frozen Error': () => Object.freeze(new Error('frozen')),
  'an Error with a message of 20 MB': () => new Error('x'.repeat(20_000_000)),
}
