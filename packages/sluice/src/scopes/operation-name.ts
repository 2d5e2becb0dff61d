import { BoundedNames } from './bounded-names.ts'

interface ExecutionArgs {
  readonly document: { readonly definitions: readonly Definition[] }
  readonly operationName?: string | null
}

interface Definition {
  readonly kind: string
  readonly operation?: string
  readonly name?: { readonly value: string }
  readonly selectionSet?: { readonly selections: readonly { readonly name?: { readonly value: string } }[] }
}

const MAX_FIELDS = 3
const names = new BoundedNames('GraphQL (other)')

/**
 * The name of an operation of GraphQL: `GraphQL query posts`; without a name, its fields:
 * `GraphQL query { posts }`. The number of names is bounded, because clients can send any operation.
 *
 * @param args - The argument of `execute`.
 * @returns `undefined` if it executes no operation.
 */
export function operationName(args: unknown): string | undefined {
  const name = nameOf(args as Partial<ExecutionArgs>)
  return name === undefined ? undefined : names.of(name)
}

function nameOf({ document, operationName: chosen }: Partial<ExecutionArgs>): string | undefined {
  const all = document?.definitions.filter(({ kind }) => kind === 'OperationDefinition') ?? []
  const definition = chosen ? all.find(({ name }) => name?.value === chosen) : all[0]
  if (definition === undefined) return undefined
  const fields = definition.selectionSet?.selections.flatMap(({ name }) => name?.value ?? []) ?? []
  const shown = `${fields.slice(0, MAX_FIELDS).join(', ')}${fields.length > MAX_FIELDS ? ', …' : ''}`
  return `GraphQL ${definition.operation} ${definition.name?.value ?? `{ ${shown} }`}`
}
