import type { OperationDefinitionNode } from 'graphql'

const MAX_LENGTH = 60

/**
 * What scopes of operations are called. Clients choose the names of their operations, and metrics have a series for each: long ones are cut, and of many
 * only the first are told apart.
 */
export class OperationNames {
  readonly #known = new Set<string>()

  constructor(private readonly max: number) {}

  of(operation: Pick<OperationDefinitionNode, 'operation' | 'name'>): string {
    const { operation: kind, name } = operation
    if (name === undefined) return `${kind} (anonymous)`
    const full = `${kind} ${name.value.slice(0, MAX_LENGTH)}`
    if (this.#known.has(full)) return full
    if (this.#known.size >= this.max) return `${kind} (other)`
    this.#known.add(full)
    return full
  }
}
