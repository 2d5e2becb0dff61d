import type { DatabaseAnalysis, DatabaseFinding, FindingStatement } from '@sluice/core/database'

/** A finding of a missing index, with overrides. */
export function finding(of: Partial<DatabaseFinding> = {}): DatabaseFinding {
  return {
    code: 'MISSING_INDEX',
    key: 'key-1',
    id: 'idx-1',
    severity: 'high',
    title: 'city(region_id, population)',
    details: ['searched by region_id; ordered by population'],
    table: 'public.city',
    savedShare: 0.38,
    savedMs: 120_000,
    bytes: 4_000_000,
    validation: 'hypopg',
    statements: [statement()],
    changes: [
      {
        kind: 'create-index',
        name: 'city_region_id_population_idx',
        index: {
          table: 'public.city',
          keys: [{ column: 'region_id' }, { column: 'population' }],
          method: 'btree',
          isUnique: false,
        },
      },
    ],
    sql: [
      'CREATE INDEX CONCURRENTLY "city_region_id_population_idx" ON "public"."city" ("region_id", "population")',
    ],
    ...of,
  }
}

export function statement(of: Partial<FindingStatement> = {}): FindingStatement {
  return {
    fingerprint: 'f1',
    label: 'SELECT * FROM city WHERE region_id = $1 ORDER BY population',
    calls: 1_208,
    totalMs: 124_000,
    cost: { without: 18_402, with: 61 },
    callSites: [{ file: '/somewhere/app/src/routes/cities.ts', line: 41, column: 28, count: 1_208 }],
    ...of,
  }
}

export function analysis(
  findings: readonly DatabaseFinding[],
  of: Partial<DatabaseAnalysis> = {},
): DatabaseAnalysis {
  return {
    schemaVersion: 1,
    database: {
      product: 'postgresql',
      version: '17.2 (Debian 17.2-1)',
      tables: 41,
      statements: 1_208,
      totalMs: 320_000,
    },
    findings,
    validation: 'hypopg',
    left: [],
    gaps: [],
    tookMs: 12,
    limits: { statementTimeoutMs: 2_000, timeLimitMs: 60_000 },
    ...of,
  }
}
