import { ScalingController } from '../../../packages/core/src/monitoring/scaling/control/scaling-controller.ts'

// Workers that only query one database, whose throughput falls when too many queries run concurrently.
const CAPACITY = 100
const TARGET = 0.7
const MIN_WORKERS = 2
const MAX_WORKERS = 60
const START_UP_SECONDS = 60
const SECONDS = 7200
const QUEUE_SECONDS = 5
const OBJECTIVE_SECONDS = 0.5
const MAX_CONNECTIONS = 300
const POOL = 10
/** Connections at which the database of this model has its highest throughput. */
const BEST_CONNECTIONS = 40

/** Queries per second that the database completes, by Gunther's universal scalability law. */
function answeredBy(connections: number): number {
  return connections <= 0
    ? 0
    : (40 * connections) / (1 + 0.02 * (connections - 1) + 0.0006 * connections * (connections - 1))
}

export interface DatabaseRun {
  readonly rule: string
  readonly served: number
  readonly over: number
  readonly mostWorkers: number
  readonly workerHours: number
}

interface Looked {
  readonly workers: number
  readonly arrivals: number
  readonly served: number
  readonly backlog: number
  /** Requests that are running or waiting. */
  readonly inFlight: number
  /** Whether a request waits for a connection. */
  readonly isWaiting: boolean
}

interface DatabaseRule {
  readonly name: string
  /** Connections per worker for this number of workers. */
  pool(workers: number): number
  after(looked: Looked, second: number): number | undefined
}

function clamp(count: number): number {
  return Math.max(MIN_WORKERS, Math.min(MAX_WORKERS, count))
}

class LastSeconds {
  readonly #looks: Looked[] = []

  constructor(private readonly seconds: number) {}

  add(looked: Looked): void {
    this.#looks.push(looked)
    if (this.#looks.length > this.seconds) this.#looks.shift()
  }

  mean(of: (looked: Looked) => number): number {
    return this.#looks.reduce((sum, looked) => sum + of(looked), 0) / Math.max(1, this.#looks.length)
  }
}

/** @param metric - `inFlight`: the target is seven concurrent requests per worker. */
function hpa(metric: 'inFlight' | 'rps'): DatabaseRule {
  const last = new LastSeconds(15)
  const recommended: (readonly [second: number, workers: number])[] = []
  return {
    name: `HPA on ${metric === 'rps' ? 'rps 70' : 'requests in flight'}`,
    pool: () => POOL,
    after(looked, second) {
      last.add(looked)
      if (second % 15 !== 14) return undefined
      const current = looked.workers
      const raw =
        metric === 'rps'
          ? (last.mean(({ arrivals }) => arrivals) + looked.backlog / 15) / (CAPACITY * TARGET)
          : last.mean(({ inFlight }) => inFlight) / 7
      const wanted = Math.abs(raw / current - 1) <= 0.1 ? current : Math.ceil(raw)
      recommended.push([second, wanted])
      while ((recommended[0]?.[0] ?? second) < second - 300) recommended.shift()
      return wanted > current
        ? Math.min(wanted, 2 * current)
        : Math.min(current, Math.max(...recommended.map(([, count]) => count)))
    },
  }
}

function fixed(workers: number): DatabaseRule {
  return { name: `${workers} workers, always`, pool: () => POOL, after: () => workers }
}

function sluice(name: string, seesPools: boolean, maxConnections?: number): DatabaseRule {
  let seconds = 0
  const clock = { now: () => seconds * 1000, wall: () => seconds * 1000 }
  const options = {
    capacity: CAPACITY,
    minWorkers: MIN_WORKERS,
    maxWorkers: MAX_WORKERS,
    startUpSeconds: START_UP_SECONDS,
  }
  const controller = new ScalingController(
    maxConnections === undefined ? options : { ...options, maxConnections },
    { clock },
  )
  const last = new LastSeconds(15)
  let pool = POOL
  return {
    name,
    pool: (workers) =>
      maxConnections === undefined ? pool : Math.max(1, Math.floor(maxConnections / workers)),
    after(looked, second) {
      seconds = second + 1
      last.add(looked)
      controller.record(looked.arrivals, looked.backlog)
      if (second % 5 !== 4) return undefined
      const { desired, poolSize } = controller.decide({
        current: looked.workers,
        throughput: last.mean(({ served }) => served),
        poolWaiting: seesPools ? last.mean(({ isWaiting }) => (isWaiting ? 1 : 0)) : undefined,
      })
      pool = poolSize ?? pool
      return desired
    },
  }
}

/** @param peak - Requests per second of the plateau; the database can answer about 590. */
export function runDatabase(peak: number): DatabaseRun[] {
  return [
    fixed(4),
    hpa('inFlight'),
    hpa('rps'),
    sluice('Sluice, pools not seen', false),
    sluice('Sluice', true),
    sluice(`Sluice, ${BEST_CONNECTIONS} connections in all`, true, BEST_CONNECTIONS),
  ].map((rule) => run(rule, peak))
}

function rateAt(second: number, peak: number): number {
  const share = second / SECONDS
  const low = 300
  if (share < 0.2 || share >= 0.7) return low
  return share < 0.4 ? low + ((share - 0.2) / 0.2) * (peak - low) : peak
}

function run(rule: DatabaseRule, peak: number): DatabaseRun {
  let active = 4
  let starting: number[] = []
  let backlog = 0
  let arrived = 0
  let answered = 0
  let over = 0
  let paid = 0
  let mostWorkers = 0
  for (let second = 0; second < SECONDS; second += 1) {
    active += starting.filter((at) => at <= second).length
    starting = starting.filter((at) => at > second)
    const arrivals = rateAt(second, peak)
    arrived += arrivals
    const asked = active * rule.pool(active)
    const connections = Math.min(asked, MAX_CONNECTIONS)
    // Workers without a connection fail their share.
    const admitted = (arrivals * connections) / asked
    const used = backlog < 1 ? leastFor(admitted, connections) : connections
    const capacity = Math.min(active * CAPACITY, answeredBy(used))
    const served = Math.min(backlog + admitted, capacity)
    backlog = Math.min(backlog + admitted - served, capacity * QUEUE_SECONDS)
    answered += served
    if (backlog / capacity + used / Math.max(1, capacity) > OBJECTIVE_SECONDS) over += 1
    paid += active + starting.length
    mostWorkers = Math.max(mostWorkers, active)
    const workers = active + starting.length
    const desired = rule.after(
      { workers, arrivals, served, backlog, inFlight: backlog + used, isWaiting: backlog > 1 },
      second,
    )
    if (desired === undefined) continue
    for (let more = clamp(desired) - workers; more > 0; more -= 1) starting.push(second + START_UP_SECONDS)
    for (let fewer = workers - clamp(desired); fewer > 0; fewer -= 1)
      if (starting.pop() === undefined) active -= 1
  }
  return {
    rule: rule.name,
    served: (100 * answered) / arrived,
    over: (100 * over) / SECONDS,
    mostWorkers,
    workerHours: paid / 3600,
  }
}

function leastFor(rate: number, connections: number): number {
  let used = 1
  while (used < connections && answeredBy(used) < rate) used += 1
  return used
}
