import { guarded } from '../guarded.ts'
import { server } from '../process-state.ts'
import { setOperation } from '../scopes/request-scope.ts'
import { replaceExport, standInOf } from './replace-export.ts'

type Execute = (...args: unknown[]) => unknown

/** Names requests after the operations of GraphQL that they execute. */
export function patchGraphql(exports: unknown): unknown {
  server.executesGraphql = true
  return replaceExport(exports, 'execute', (original) =>
    standInOf(
      original,
      (execute: Execute): Execute =>
        function (this: unknown, ...args) {
          guarded('GraphQL', () => setOperation(args[0]))
          return execute.apply(this, args)
        },
    ),
  )
}
