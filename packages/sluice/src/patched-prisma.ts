import { guarded } from './guarded.ts'
import { withExport } from './replaced-export.ts'
import { attachedClient, prismaArguments } from './seams/prisma.ts'

type Constructor = new (...args: unknown[]) => object
type CreateClass = (...args: unknown[]) => Constructor

/** The stand-in of each function: a process can load one as CommonJS and as an ES module. */
const standIns = new WeakMap<object, unknown>()

/** Replaces the function that creates the class of a generated client. */
export function patchPrisma(exports: unknown): unknown {
  const { getPrismaClient } = exports as { getPrismaClient?: unknown }
  const standIn = prismaClientFunction(getPrismaClient)
  return standIn === getPrismaClient ? exports : withExport(exports as object, 'getPrismaClient', standIn)
}

/** Returns a stand-in for the function `getPrismaClient`, whose classes create attached clients. */
export function prismaClientFunction(original: unknown): unknown {
  if (typeof original !== 'function') return original
  const known = standIns.get(original)
  if (known !== undefined) return known
  const standIn: CreateClass = (...args) => attachedClass((original as CreateClass)(...args))
  standIns.set(original, standIn)
  standIns.set(standIn, standIn)
  return standIn
}

function attachedClass(original: Constructor): Constructor {
  return new Proxy(original, {
    construct(target, args, newTarget) {
      const attaching = guarded('Prisma', () => prismaArguments(args))
      const client = Reflect.construct(target, attaching?.args ?? args, newTarget)
      if (attaching === undefined) return client
      const isOwn = (name: PropertyKey) => isDefinedBelow(newTarget.prototype, original.prototype, name)
      return guarded('Prisma', () => attachedClient(client, isOwn, attaching.release)) ?? client
    },
  })
}

/** Whether a class of the app, which extends the client's, defines a member. */
function isDefinedBelow(from: object, base: object, name: PropertyKey): boolean {
  for (let at: object | null = from; at !== null && at !== base; at = Object.getPrototypeOf(at))
    if (Object.hasOwn(at, name)) return true
  return false
}
