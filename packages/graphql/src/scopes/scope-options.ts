import { checkOptions, option } from '@sluice/core'

export interface GraphqlScopeOptions {
  /**
   * Names of operations that are told apart in reports and metrics; clients choose them. Others are `query (other)`. From `0` to `10000`.
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
