import { DurationHistogram, REQUEST_BOUNDS_MS } from '../../shared/histogram.ts'
import { requestName } from '../../shared/request-name.ts'
import {
  durationSample,
  type HistogramSample,
  type Labels,
  type MetricFamily,
  type NumberSample,
  OVERFLOW_LABELS,
} from '../feeds/metric-family.ts'

/** The latest value that each bucket counts of those whose request has an id. */
interface Example {
  requestId: string
  durationMs: number
  /** Milliseconds since 1970. */
  at: number
}

/** How long scopes of one name and status took. */
class ScopeTimes extends DurationHistogram {
  readonly examples: Example[] = []

  constructor() {
    super(REQUEST_BOUNDS_MS)
  }
}

/** Statistics of the scopes of one name. */
export class ScopeSeries {
  /** `undefined` if they are not HTTP requests. */
  readonly method: string | undefined
  /** `undefined`: none was found. */
  readonly route: string | undefined
  queries = 0
  databaseMs = 0
  failures = 0
  /** By HTTP status; 0 where there was none, and of all that are too many. */
  readonly times: Map<number, ScopeTimes> = new Map()
  #status = -1
  #latest: ScopeTimes | undefined

  /** @param name - `undefined`: it stands for all that are too many. */
  constructor(
    readonly name: string | undefined,
    of: string,
  ) {
    const request = requestName(of)
    this.method = request?.method
    this.route = request?.route
  }

  /** @param wall - Milliseconds since 1970; called only if there is an id. */
  add(
    durationMs: number,
    queries: number,
    databaseMs: number,
    status: number,
    failed: boolean,
    requestId: string | undefined,
    wall: () => number,
  ): void {
    this.queries += queries
    this.databaseMs += databaseMs
    if (failed) this.failures += 1
    let times = this.#latest
    if (times === undefined || status !== this.#status) {
      times = this.#timesOf(this.name === undefined ? 0 : status)
      this.#status = status
      this.#latest = times
    }
    const at = times.add(durationMs)
    if (requestId === undefined) return
    const example = times.examples[at]
    if (example === undefined) times.examples[at] = { requestId, durationMs, at: wall() }
    else {
      example.requestId = requestId
      example.durationMs = durationMs
      example.at = wall()
    }
  }

  #timesOf(status: number): ScopeTimes {
    let times = this.times.get(status)
    if (times === undefined) {
      times = new ScopeTimes()
      this.times.set(status, times)
    }
    return times
  }
}

/** Metrics of scopes; those of HTTP requests have the names of OpenTelemetry's conventions. */
export function scopeFamilies(all: readonly ScopeSeries[]): readonly MetricFamily[] {
  const requests = all.filter(({ method }) => method !== undefined)
  const others = all.filter(({ method }) => method === undefined)
  return [
    {
      name: 'http.server.request.duration',
      help: 'Duration of HTTP requests',
      unit: 's',
      type: 'histogram',
      samples: requests.flatMap((series) =>
        timesOf(series, requestLabels(series), 'http.response.status_code'),
      ),
    },
    {
      name: 'sluice.scope.duration',
      help: 'Duration of scopes that are not HTTP requests',
      unit: 's',
      type: 'histogram',
      samples: others.flatMap((series) => timesOf(series, nameLabels(series), undefined)),
    },
    count('sluice.scope.queries', 'Queries sent in scopes', '{query}', all, ({ queries }) => queries),
    count(
      'sluice.scope.database.time',
      'Time that scopes waited for the database',
      's',
      all,
      ({ databaseMs }) => databaseMs / 1_000,
    ),
    count(
      'sluice.scope.failures',
      'Scopes whose work failed, and HTTP requests answered with 500 or more',
      '{scope}',
      all,
      ({ failures }) => failures,
    ),
  ]
}

function timesOf(
  series: ScopeSeries,
  labels: Labels,
  statusLabel: string | undefined,
): readonly HistogramSample[] {
  return [...series.times].map(([status, times]) => {
    const isShown = statusLabel !== undefined && status !== 0
    const sample = durationSample(isShown ? { ...labels, [statusLabel]: String(status) } : labels, times)
    return times.examples.length === 0 ? sample : { ...sample, exemplars: exemplarsOf(times) }
  })
}

function exemplarsOf({ counts, examples }: ScopeTimes): HistogramSample['exemplars'] {
  return counts.map((_, at) => {
    const example = examples[at]
    if (example === undefined) return undefined
    return {
      labels: { request_id: example.requestId },
      value: example.durationMs / 1_000,
      timestamp: example.at / 1_000,
    }
  })
}

function count(
  name: string,
  help: string,
  unit: string,
  all: readonly ScopeSeries[],
  value: (series: ScopeSeries) => number,
): MetricFamily {
  const samples = new Map<string | undefined, NumberSample>()
  for (const series of all) {
    const before = samples.get(series.name)?.value ?? 0
    samples.set(series.name, { labels: nameLabels(series), value: before + value(series) })
  }
  return { name, help, unit, type: 'counter', samples: [...samples.values()] }
}

function requestLabels({ name, method = '', route }: ScopeSeries): Labels {
  if (name === undefined) return OVERFLOW_LABELS
  return route === undefined
    ? { 'http.request.method': method }
    : { 'http.request.method': method, 'http.route': route }
}

function nameLabels({ name }: ScopeSeries): Labels {
  return name === undefined ? OVERFLOW_LABELS : { 'sluice.scope.name': name }
}
