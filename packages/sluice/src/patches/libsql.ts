import { guarded } from '../guarded.ts'
import { libsqlCall } from '../seams/libsql.ts'
import { type Method, patchMethods } from './patch-methods.ts'
import { replaceExport, standInOf } from './replace-export.ts'

type CreateClient = (...args: unknown[]) => object

const NAME = '@libsql/client'

const METHODS = ['execute', 'batch', 'migrate', 'executeMultiple', 'sync', 'commit', 'rollback', 'close']

/** Replaces the function that creates the clients of CommonJS modules. */
export function patchLibsql(exports: unknown): unknown {
  return replaceExport(exports, 'createClient', libsqlFunction)
}

/** Returns a stand-in for the function `createClient`. The class of a client depends on its URL. */
export function libsqlFunction(original: unknown): unknown {
  return standInOf(
    original,
    (create: CreateClient): CreateClient =>
      (...args) => {
        const client = create(...args)
        guarded(NAME, () => patchClass(client))
        return client
      },
  )
}

/** Observes the calls of a client or of a transaction, once for each class. */
function patchClass(instance: object): void {
  const prototype = patchMethods(instance, METHODS, observed)
  const transaction = prototype?.transaction
  if (prototype === undefined || transaction === undefined) return
  const begin = observed('transaction', transaction)
  prototype.transaction = async function (this: object, ...args) {
    const begun = (await begin.apply(this, args)) as object
    guarded(NAME, () => patchClass(begun))
    return begun
  }
}

function observed(name: string, method: Method): Method {
  return function (this: object, ...args) {
    const send = () => method.apply(this, args)
    const call = guarded(NAME, () => libsqlCall(this, name, args, send))
    return call === undefined ? send() : call()
  }
}
