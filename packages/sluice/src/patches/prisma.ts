import { guarded } from '../guarded.ts'
import { attachedClient, prismaArguments } from '../seams/prisma.ts'
import { replaceExport, standInOf } from './replace-export.ts'

type Constructor = new (...args: unknown[]) => object
type CreateClass = (...args: unknown[]) => Constructor

/** Replaces the function that creates the class of a generated client. */
export function patchPrisma(exports: unknown): unknown {
  return replaceExport(exports, 'getPrismaClient', prismaClientFunction)
}

/** Returns a stand-in for the function `getPrismaClient`, whose classes create attached clients. */
export function prismaClientFunction(original: unknown): unknown {
  return standInOf(
    original,
    (create: CreateClass): CreateClass =>
      (...args) =>
        attachedClass(create(...args)),
  )
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
