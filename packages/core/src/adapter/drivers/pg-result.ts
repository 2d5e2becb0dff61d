import type { SqlRow } from '../select/outputs.ts'

/** A result of `pg`. */
export interface QueryResult {
  readonly command: string
  readonly rowCount: number | null
  readonly rows: readonly SqlRow[]
  readonly fields: readonly unknown[]
  /** The functions that converted the columns. */
  readonly _parsers?: readonly unknown[]
}

/** A copy with other members. Lists and objects that the driver creates for each result are copied. */
export function copyResult(result: QueryResult, members: Partial<QueryResult>): QueryResult {
  const copy: Record<string, unknown> = Object.assign(
    Object.create(Object.getPrototypeOf(result)),
    result,
    members,
  )
  if (Array.isArray(copy._parsers)) copy._parsers = [...copy._parsers]
  const { _prebuiltEmptyResultObject: empty } = copy
  if (empty) copy._prebuiltEmptyResultObject = { ...empty }
  return copy as unknown as QueryResult
}
