import { markInstrumented, sluiceOf } from '@sluice/core/adapter'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import { attached } from '../attached-clients.ts'
import { adaptedOrms } from '../process-state.ts'
import { attachesTo, registeredSluice } from '../registered-sluice.ts'

type AdapterFactory = Parameters<typeof sluiceAdapter>[0]
type Members = Record<PropertyKey, unknown>

interface PrismaClient extends Members {
  $extends(extension: unknown): PrismaClient
}

/** The arguments with which a client is created, and what releases it again. */
export interface AttachedArguments {
  readonly args: readonly unknown[]
  /** Sends statements without this Sluice from now on: the app uses a different Sluice. */
  release(): void
}

/**
 * Returns the arguments with which a client is created, with an instrumented adapter. `undefined`: the app
 * has instrumented the adapter itself, or excludes Prisma.
 */
export function prismaArguments(args: readonly unknown[]): AttachedArguments | undefined {
  const [options] = args as readonly [{ readonly adapter?: AdapterFactory } | undefined]
  const factory = options?.adapter
  if (!attachesTo('Prisma')) return undefined
  if (typeof factory?.connect !== 'function') return { args, release: () => {} }
  adaptedOrms.add('Prisma')
  if (sluiceOf(factory) !== undefined) return undefined
  const adapter = sluiceAdapter(factory, registeredSluice())
  const release = () => {
    if (adapter === factory) return
    markInstrumented(adapter, undefined)
    const members = adapter as unknown as Members
    for (const key of Reflect.ownKeys(members)) delete members[key]
    const { provider, adapterName } = factory
    Object.assign(members, { provider, adapterName, connect: () => factory.connect() })
  }
  return { args: [{ ...options, adapter }, ...args.slice(1)], release }
}

/** Members of a client that run operations, besides its models. */
const OPERATIONS: ReadonlySet<PropertyKey> = new Set([
  '$executeRaw',
  '$executeRawUnsafe',
  '$queryRaw',
  '$queryRawTyped',
  '$queryRawUnsafe',
  '$transaction',
])

/**
 * Returns a stand-in for a client whose operations go through Sluice. Extensions that the app adds later stay
 * inside: Sluice sees the operations that they send.
 *
 * @param isOwn - Whether the app's class defines a member.
 */
export function attachedClient(
  client: object,
  isOwn: (name: PropertyKey) => boolean,
  release: () => void,
): object {
  const sluice = registeredSluice()
  attached('Prisma', sluice)
  return standInFor(client as PrismaClient, isOwn, release)
}

function standInFor(
  bare: PrismaClient,
  isOwn: (name: PropertyKey) => boolean,
  release: () => void,
): PrismaClient {
  const models = modelsOf(bare)
  const written = new Set<PropertyKey>()
  const bound = new Map<PropertyKey, unknown>()
  let extended: PrismaClient | undefined
  const extend = (extension: unknown): PrismaClient => {
    const own = typeof extension === 'function' ? sluiceOf(extension) : undefined
    if (own === undefined) return standInFor(bare.$extends(extension), () => false, release)
    // The app uses Sluice itself.
    if (own !== registeredSluice()) release()
    return bare.$extends(extension)
  }
  const operation = (name: PropertyKey): unknown => {
    extended ??= bare.$extends(withSluice(registeredSluice()))
    if (!OPERATIONS.has(name)) return extended[name]
    // Prisma unwraps `this` by a private property, and would find the client without Sluice.
    if (!bound.has(name)) bound.set(name, (extended[name] as (...args: unknown[]) => unknown).bind(extended))
    return bound.get(name)
  }
  const standIn: PrismaClient = new Proxy(bare, {
    get(target, name) {
      if (!written.has(name) && !isOwn(name)) {
        if (name === '$extends') return extend
        if (models.has(name) || OPERATIONS.has(name)) return operation(name)
      }
      return Reflect.get(target, name, isOwn(name) ? standIn : target)
    },
    set(target, name, value) {
      written.add(name)
      return Reflect.set(target, name, value)
    },
    defineProperty(target, name, descriptor) {
      written.add(name)
      return Reflect.defineProperty(target, name, descriptor)
    },
  })
  return standIn
}

/** The names of models, as in the schema and with a lower-case first letter: Prisma resolves both. */
function modelsOf(client: PrismaClient): ReadonlySet<PropertyKey> {
  const { models = {} } = (client._runtimeDataModel ?? {}) as { readonly models?: object }
  const names = Object.keys(models)
  return new Set([...names, ...names.map((name) => name.charAt(0).toLowerCase() + name.slice(1))])
}
