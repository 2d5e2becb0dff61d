/** A date that drivers recognize, with a time zone that no place has. */
class DateInOddZone extends Date {
  override getTimezoneOffset(): number {
    return -77
  }
}

const PROBE = new DateInOddZone(0)

type ValueMapper = (value: unknown) => unknown

/**
 * Identifies how `pg` sends dates at this moment: `pg.defaults.parseInputDatesAsUTC` can be changed at any
 * time.
 */
export function dateFormOf(mapper: ValueMapper): string {
  return String(mapper(PROBE)).slice(-6)
}

/** Whether one of the values is a date, or a list that contains one. */
export function bindsDate(values: readonly unknown[]): boolean {
  return values.some((value) => value instanceof Date || (Array.isArray(value) && bindsDate(value)))
}

/**
 * The function with which the queries of a pool convert values. `pg` passes it to the connection that a query
 * is sent on.
 *
 * @returns `undefined` for another driver.
 */
export function valueMapperOf(pool: object): ValueMapper | undefined {
  const { Client } = pool as { readonly Client?: { readonly Query?: unknown } }
  const Query = Client?.Query as (new (config: object) => { prepare?(connection: object): void }) | undefined
  let mapper: unknown
  const ignore = () => {}
  const connection = {
    parse: ignore,
    describe: ignore,
    execute: ignore,
    flush: ignore,
    sync: ignore,
    close: ignore,
    parsedStatements: {},
    submittedNamedStatements: {},
    bind: (config: { readonly valueMapper?: unknown }) => {
      mapper = config.valueMapper
    },
  }
  try {
    if (Query !== undefined) new Query({ text: '', values: [] }).prepare?.(connection)
  } catch {
    // Another driver.
  }
  return typeof mapper === 'function' ? (mapper as ValueMapper) : undefined
}
