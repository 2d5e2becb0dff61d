import { checkOptions, option } from '@sluice/core/siblings'
import type { OperationDefinitionNode } from 'graphql'

export interface GraphqlScopeOptions {
  /**
   * Maximum number of operation names in reports and metrics, because clients choose them. Others are `query
   * (other)`. From `0` to `10000`.
   * @defaultValue 100
   */
  readonly maxNames?: number
}

const DEFAULT_MAX_NAMES = 100

/** @throws InvalidOptionError. */
export function resolveScopeOptions(options: GraphqlScopeOptions): Required<GraphqlScopeOptions> {
  checkOptions(options, { maxNames: option.integer(0, 10_000) })
  return { maxNames: options.maxNames ?? DEFAULT_MAX_NAMES }
}

const MAX_LENGTH = 60

/**
 * Names the scopes of operations. Clients choose operation names, and metrics have one series per name, so
 * long names are truncated, and only the first names are distinguished.
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
