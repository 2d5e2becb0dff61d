import type { DatabaseFinding } from '@sluice/core/database'

export type Code = DatabaseFinding['code']

/** Names of finding codes for `--fail-on` and `--include`. */
export const CODE_NAMES: Readonly<Record<string, Code>> = {
  'missing-index': 'MISSING_INDEX',
  'missing-foreign-key-index': 'MISSING_FOREIGN_KEY_INDEX',
  'unused-index': 'UNUSED_INDEX',
  'duplicate-index': 'DUPLICATE_INDEX',
  'invalid-index': 'INVALID_INDEX',
  'slow-query': 'SLOW_QUERY',
  rewrite: 'REWRITE',
  fragmentation: 'FRAGMENTATION',
  'stale-statistics': 'STALE_STATISTICS',
  partition: 'PARTITION',
  connections: 'CONNECTIONS',
}

/** `missing-index` for `MISSING_INDEX`. */
export function codeName(code: Code): string {
  return code.toLowerCase().replaceAll('_', '-')
}
