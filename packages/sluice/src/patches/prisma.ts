import { guarded } from '../guarded.ts'
import { attachedClient, prismaArguments } from '../seams/prisma.ts'
import { unseen } from '../unseen-clients.ts'
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

/** Recognizes clients of Prisma 6 and earlier, whose engine has connections of its own. */
export function patchPrismaEngine(exports: unknown): unknown {
  return replaceExport(exports, 'getPrismaClient', prismaEngineFunction)
}

/** Returns a stand-in for the function `getPrismaClient`, whose classes report clients with an engine. */
export function prismaEngineFunction(original: unknown): unknown {
  return standInOf(
    original,
    (create: CreateClass): CreateClass =>
      (...args) => {
        const config = args[0] as { readonly activeProvider?: string } | undefined
        return new Proxy(create(...args), {
          construct(target, options, newTarget) {
            const { adapter } = (options[0] ?? {}) as { readonly adapter?: unknown }
            // The statements of an adapter are those of its driver.
            if (adapter === undefined) unseen('Prisma', config?.activeProvider)
            return Reflect.construct(target, options, newTarget)
          },
        })
      },
  )
}

/** Whether a class of the app, which extends the client's, defines a member. */
function isDefinedBelow(from: object, base: object, name: PropertyKey): boolean {
  for (let at: object | null = from; at !== null && at !== base; at = Object.getPrototypeOf(at))
    if (Object.hasOwn(at, name)) return true
  return false
}
