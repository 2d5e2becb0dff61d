/** Data of a dashboard in the format of its protocol, with overrides. */
export function wireRoute(name: string, of: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    ...{
      name,
      kind: 'request',
      requests: 100,
      errors: 0,
      perSecond: 10,
      sample: 100,
      queries: 2,
      databaseMs: 3,
      repeats: 0,
    },
    ...{
      sparedShare: 0.1,
      cacheShare: 0.5,
      p50: 4,
      p95: 9,
      p99: 20,
      budget: null,
      overBudget: 0,
      flags: [],
      lastAt: 1,
      newest: null,
    },
    ...of,
  }
}

export function wireSnapshot(
  routes: readonly unknown[],
  of: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const process = { id: 'abc', pid: 7, hostname: 'here', name: 'atlas', startedAt: 0, index: 1, of: 1 }
  return {
    ...{
      schemaVersion: 3,
      at: 1_000_000,
      process,
      processes: [process, process, process, process],
      mode: 'observe',
      routes,
    },
    engines: { detection: true, cache: true, database: true, balancer: false, jobs: false, monitor: true },
    vitals: {
      ...{
        requestsPerSecond: 412,
        p50: 4,
        p95: 20,
        p99: 38,
        errorRate: 0.2,
        queriesPerSecond: 1_208,
        cacheShare: 0.91,
      },
      ...{ cpu: 14, memory: 45, eventLoopDelay: 1.2 },
    },
    totals: {
      requests: 1_000,
      operations: 2_000,
      queries: 1_500,
      spared: 500,
      databaseMs: 9_000,
      timedRequests: 0,
      overheadMs: 0,
      timedMs: 0,
      errors: 0,
    },
    sparklines: [
      {
        id: 'requests',
        label: 'Requests',
        unit: '/s',
        points: [
          [1, 4],
          [2, 8],
        ],
        latest: 8,
      },
    ],
    ...{ ranked: [], badges: {}, requests: [], ring: {}, rights: {} },
    ...of,
  }
}

export const wireFinding: Readonly<Record<string, unknown>> = {
  ...{
    key: 'k',
    id: '3ac91e00',
    code: 'N_PLUS_ONE',
    title: 'N+1',
    severity: 'high',
    scope: 'GET /cities',
    fingerprint: 'f',
  },
  ...{
    label: 'SELECT … FROM region WHERE id = ?',
    count: 101,
    pattern: 'sequential',
    databaseMs: 312,
    savedMs: 900,
  },
  callSite: {
    file: 'src/routes/cities.ts',
    line: 41,
    column: 28,
    functionName: null,
    text: 'src/routes/cities.ts:41:28',
  },
  parent: { label: 'city.findMany', callSite: { line: 38, text: 'src/routes/cities.ts:38:20' } },
  ...{
    fix: 'include: { region: true }',
    queries: 102,
    queriesPossible: 2,
    occurrences: 40,
    saving: { queries: 100, ms: 300 },
  },
  ...{ groups: [], text: '', isMuted: false, request: '8f2c', lastAt: 1 },
}
