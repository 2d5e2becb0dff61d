import type { DatabaseAnalysis, DatabaseFinding, PlanSummary } from '@sluice/core/database'
import type { YieldReport } from '@sluice/core/yield'
import type { BodyComparison } from '../bench/body-log.ts'
import type { Metric, SideSummary } from '../bench/round-statistics.ts'
import type { AppProcess, LiveItem, LiveTotals, LiveVitals } from '../dashboard/protocol.ts'
import type { Check } from '../doctor/check.ts'
import type { RouteFigures } from '../top/live-model.ts'

// `pnpm run generate:schemas` generates `schemas/` from these types and their comments.

/** Output of `sluice analyze --json`. */
export interface AnalyzeJson extends DatabaseAnalysis {
  /** Keys of the findings that are not in the baseline. */
  readonly new: readonly string[]
}

/** Output of `sluice explain --json`. */
export interface ExplainJson extends PlanSummary {
  readonly schemaVersion: 1
  /** The statement. */
  readonly sql: string
  /** Problems of the plan, as sentences. */
  readonly warnings: readonly string[]
}

/** Output of `sluice top --json`: one object with `--once`, otherwise one object per line. */
export interface TopJson {
  readonly schemaVersion: 1
  /** Milliseconds since 1970, on the app's clock. */
  readonly at: number
  /** Milliseconds since the command started to measure. */
  readonly watchedMs: number
  readonly app: TopApp
  /** `observe`, `shadow` or `optimize`. */
  readonly mode: string
  readonly vitals: LiveVitals
  readonly totals: LiveTotals
  readonly routes: readonly TopRoute[]
  /** Problems of the app, most severe first. */
  readonly ranked: readonly LiveItem[]
}

interface TopApp extends AppProcess {
  /** Number of processes that the figures cover. */
  readonly processes: number
}

interface TopRoute extends Omit<RouteFigures, 'flags'> {
  /** Flags in the table: `N+1`, `SLOW`. */
  readonly flags: readonly string[]
  /** Codes of the route's findings. */
  readonly codes: readonly string[]
}

/** Output of `sluice bench --json`. */
export interface BenchJson {
  readonly schemaVersion: 1
  /** The app. */
  readonly url: string
  /** The second app (`--compare`). */
  readonly compare?: string | undefined
  /** Path of the baseline that the figures are compared with. */
  readonly baseline?: string | undefined
  readonly connections: number
  readonly rounds: number
  /** Duration per route and side, over all rounds. */
  readonly durationSeconds: number
  /** The version of Node that sent the requests. */
  readonly node: string
  readonly routes: readonly BenchRouteJson[]
  /** Matches of `--fail-on`, as sentences. */
  readonly failures: readonly string[]
}

interface BenchRouteJson {
  /** `GET /cities` */
  readonly route: string
  readonly own: SideSummary
  /** Figures of the second app, or of the baseline. */
  readonly other?: SideSummary
  readonly comparisons: Readonly<Partial<Record<Metric, ComparisonJson>>>
  readonly bodies?: BodyComparison
}

interface ComparisonJson {
  /**
   * This side's figure divided by that of the other side: median, minimum and maximum over the rounds. `null`
   * for a division by zero.
   */
  readonly ratio: {
    readonly median: number | null
    readonly least: number | null
    readonly most: number | null
  }
  readonly verdict: 'better' | 'worse' | 'noise'
}

/** Output of `sluice doctor --json`. */
export interface DoctorJson {
  readonly schemaVersion: 1
  readonly checks: readonly Check[]
}

/** Output of `sluice ignore --json`, and content of the file `sluice/ignore.json`. */
export interface IgnoreJson {
  readonly schemaVersion: 1
  readonly findings: readonly IgnoredFinding[]
}

/** A finding that is known and intentional. */
export interface IgnoredFinding {
  /** Id of the finding, or a fingerprint. */
  readonly id: string
  readonly reason?: string
  /** Description, such as `N+1  GET /cities: City.findMany where regionId`. */
  readonly what?: string
  /** Date: `2026-11-26`. */
  readonly ignoredAt?: string
}

/** Output of `sluice triggers --json`. */
export interface TriggersJson {
  readonly schemaVersion: 1
  /** SQL that creates or removes the triggers. */
  readonly sql: string
}

/** Output of `sluice relay --json`: one object per line. */
export interface RelayJson {
  readonly schemaVersion: 1
  /** Milliseconds since 1970. */
  readonly at: number
  readonly region: string
  /** `stale`: the last confirmation has expired, and the receiving region serves nothing from its cache. */
  readonly state: 'fresh' | 'stale'
  /** Milliseconds since all writes were last known; `undefined`: never. */
  readonly ageMs: number | undefined
  /** How long recent writes took from one region to the other, in milliseconds; 0 before the first one. */
  readonly lagP50Ms: number
  readonly lagP99Ms: number
  /** Tags that were relayed. */
  readonly relayed: number
  /** Tags whose writes are in flight. */
  readonly held: number
  /** Times that everything was invalidated, because messages may have been missed. Includes the start. */
  readonly resyncs: number
  /** Failed calls to either Redis. */
  readonly errors: number
}

/** Output of `sluice yield --json`. */
export interface YieldJson extends YieldReport {
  readonly schemaVersion: 1
  /** Number of processes whose statements were added up. */
  readonly processes: number
  /** Number of statements that `optimize` saves. */
  readonly saved: number
  /** Number of statements that can be saved at most. */
  readonly bound: number
}

/** The file that `sluice analyze --update-baseline` writes (`sluice/baseline.json`). */
export interface BaselineJson {
  readonly schemaVersion: 1
  /** Known findings. */
  readonly findings: readonly Pick<DatabaseFinding, 'key' | 'code' | 'title'>[]
}

/** The file that `sluice bench --update-baseline` writes (`sluice/bench.json`). */
export interface BenchBaselineJson {
  readonly schemaVersion: 1
  readonly routes: readonly Pick<BenchRouteJson, 'route' | 'own'>[]
}

type JsonOutput =
  | AnalyzeJson
  | ExplainJson
  | BenchJson
  | DoctorJson
  | IgnoreJson
  | TriggersJson
  | BaselineJson
  | BenchBaselineJson
  | YieldJson

/** Serializes an object with indentation. Ends with a line break. */
export function jsonText<T extends JsonOutput>(output: T): string {
  return `${JSON.stringify(output, undefined, 2)}\n`
}
