export interface DatabaseTiming {
  readonly queries: number
  readonly databaseMs: number
}

/**
 * What Sluice's middleware says of a response: `db;dur=12.3;desc="5 queries"`. `undefined` where it says nothing.
 *
 * Source: the W3C's Server Timing.
 */
export function readServerTiming(header: string | readonly string[] | undefined): DatabaseTiming | undefined {
  const text = typeof header === 'string' ? header : (header ?? []).join(', ')
  const entry = /(?:^|,)\s*db\s*;\s*dur=([\d.]+)\s*;\s*desc="(\d+) quer(?:y|ies)"/.exec(text)
  return entry === null ? undefined : { databaseMs: Number(entry[1]), queries: Number(entry[2]) }
}
