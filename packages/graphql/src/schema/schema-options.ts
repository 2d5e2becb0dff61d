import { checkOptions, option } from '@sluice/core/siblings'
import type { AuthorizeField } from './field-gate.ts'
import type { DefinedName } from './type-defs.ts'

export interface SluiceSchemaOptions<TContext = unknown> {
  /**
   * Who may ask for what. Asked for each field of Sluice's, queries too: `true` lets them, all else and an error refuse.
   * @defaultValue nobody
   */
  readonly authorize?: AuthorizeField<TContext>
  /**
   * Returns who performs a mutation: for `authorize` and `audit` of `jobs`, which mutations on caches pass, too, and for the history of scaling. An error,
   * or anything but a name or `undefined`, refuses the mutation.
   * @defaultValue nobody in particular
   */
  readonly actor?: (context: TContext) => string | undefined
  /**
   * What the SDL defines; of `'Query'`, `'Mutation'` and `'JSON'`. A root type that it does not define is extended: the app's own schema has it.
   * @defaultValue ['JSON']
   */
  readonly defines?: readonly DefinedName[]
  /**
   * Names of batches that `submitBatchJob` takes though this process does not run them: their processors are in others.
   * @defaultValue none
   */
  readonly batchJobs?: readonly string[]
  /**
   * Entries of `warmCache` and items of `submitBatchJob` at most. From `1` to `1000000`.
   * @defaultValue 10000
   */
  readonly maxItems?: number
  /**
   * Levels of JSON that an argument may have. From `1` to `100`.
   * @defaultValue 20
   */
  readonly maxJsonDepth?: number
}

export interface InputLimits {
  readonly maxItems: number
  readonly maxJsonDepth: number
}

const names = ['Query', 'Mutation', 'JSON']
const defines = {
  expected: 'an array of "Query", "Mutation" and "JSON"',
  accepts: (value: unknown) => Array.isArray(value) && value.every((name) => names.includes(name)),
}

/** @throws InvalidOptionError. */
export function checkSchemaOptions(options: unknown): void {
  checkOptions(options, {
    authorize: option.callback,
    actor: option.callback,
    defines,
    batchJobs: option.strings,
    maxItems: option.integer(1, 1_000_000),
    maxJsonDepth: option.integer(1, 100),
  })
}
