import type { DatabaseAnalysis, DatabaseFinding, PlanSummary } from '@sluice/core/database'
import type { BodyComparison } from '../bench/body-log.ts'
import type { Metric, SideSummary } from '../bench/round-statistics.ts'
import type { AppProcess, LiveItem, LiveTotals, LiveVitals } from '../dashboard/protocol.ts'
import type { Check } from '../doctor/check.ts'
import type { RouteFigures } from '../top/live-model.ts'

// The JSON Schemas in `schemas/` are made of these types and their comments: `pnpm run generate:schemas`.

/** What `sluice analyze --json` prints. */
export interface AnalyzeJson extends DatabaseAnalysis {
  /** Keys of the findings that are not in the baseline. */
  readonly new: readonly string[]
}

/** What `sluice explain --json` prints. */
export interface ExplainJson extends PlanSummary {
  readonly schemaVersion: 1
  /** The statement. */
  readonly sql: string
  /** What is wrong with the plan, in sentences. */
  readonly warnings: readonly string[]
}

/** What `sluice top --json` prints: with `--once` one object, else one in each line. */
export interface TopJson {
  readonly schemaVersion: 1
  /** Milliseconds since 1970, by the app's clock. */
  readonly at: number
  /** Milliseconds since this began to look. */
  readonly watchedMs: number
  readonly app: TopApp
  /** `observe`, `shadow` or `optimize`. */
  readonly mode: string
  readonly vitals: LiveVitals
  readonly totals: LiveTotals
  readonly routes: readonly TopRoute[]
  /** What is wrong, the worst first. */
  readonly ranked: readonly LiveItem[]
}

interface TopApp extends AppProcess {
  /** How many processes the figures are of. */
  readonly processes: number
}

interface TopRoute extends Omit<RouteFigures, 'flags'> {
  /** As the table shows them: `N+1`, `SLOW`. */
  readonly flags: readonly string[]
  /** Codes of the findings that the app has of it. */
  readonly codes: readonly string[]
}

/** What `sluice bench --json` prints. */
export interface BenchJson {
  readonly schemaVersion: 1
  /** The app. */
  readonly url: string
  /** The app of `--compare`. */
  readonly compare?: string | undefined
  /** The file with the figures that it is compared with. */
  readonly baseline?: string | undefined
  readonly connections: number
  readonly rounds: number
  /** Of each route and side, over all rounds. */
  readonly durationSeconds: number
  /** The version of Node that sent the requests. */
  readonly node: string
  readonly routes: readonly BenchRouteJson[]
  /** What of `--fail-on` matched, each a line. */
  readonly failures: readonly string[]
}

interface BenchRouteJson {
  /** `GET /cities` */
  readonly route: string
  readonly own: SideSummary
  /** Of the other app, or of the baseline. */
  readonly other?: SideSummary
  readonly comparisons: Readonly<Partial<Record<Metric, ComparisonJson>>>
  readonly bodies?: BodyComparison
}

interface ComparisonJson {
  /** This side's figure, by the other's: the median over rounds, the least and the most. `null`: something to nothing. */
  readonly ratio: { readonly median: number | null; readonly least: number | null; readonly most: number | null }
  readonly verdict: 'better' | 'worse' | 'noise'
}

/** What `sluice doctor --json` prints. */
export interface DoctorJson {
  readonly schemaVersion: 1
  readonly checks: readonly Check[]
}

/** What `sluice ignore --json` prints, and the file that it writes (`sluice/ignore.json`). */
export interface IgnoreJson {
  readonly schemaVersion: 1
  readonly findings: readonly IgnoredFinding[]
}

/** A finding that is known and meant so. */
export interface IgnoredFinding {
  /** Of the finding; or a fingerprint. */
  readonly id: string
  readonly reason?: string
  /** Such as `N+1  GET /cities: City.findMany where regionId`. */
  readonly what?: string
  /** The day: `2026-11-26`. */
  readonly ignoredAt?: string
}

/** What `sluice triggers --json` prints. */
export interface TriggersJson {
  readonly schemaVersion: 1
  /** What makes the triggers, or takes them away. */
  readonly sql: string
}

/** The file that `sluice analyze --update-baseline` writes (`sluice/baseline.json`). */
export interface BaselineJson {
  readonly schemaVersion: 1
  /** Those that are known. */
  readonly findings: readonly Pick<DatabaseFinding, 'key' | 'code' | 'title'>[]
}

/** The file that `sluice bench --update-baseline` writes (`sluice/bench.json`). */
export interface BenchBaselineJson {
  readonly schemaVersion: 1
  readonly routes: readonly Pick<BenchRouteJson, 'route' | 'own'>[]
}

type JsonOutput = AnalyzeJson | ExplainJson | BenchJson | DoctorJson | IgnoreJson | TriggersJson | BaselineJson | BenchBaselineJson

/** As it is printed and written: for people as well, and ends with a line break. */
export function jsonText<T extends JsonOutput>(output: T): string {
  return `${JSON.stringify(output, undefined, 2)}\n`
}
