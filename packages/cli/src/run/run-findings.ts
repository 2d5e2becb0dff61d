import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from '@sluice/core'
import {
  compareFindings,
  type FindingImpact,
  type RunReport,
  severityOf,
  sumOfImpacts,
} from '@sluice/core/siblings'

/** A finding of scopes with one name, in all processes of a run. */
export interface RunFinding extends Finding {
  readonly impact: FindingImpact
}

/** The results of all processes of a run. */
export interface RunResult {
  /** Number of processes in which Sluice was attached to a client. */
  readonly processes: number
  readonly clients: readonly string[]
  /** Sorted by what a fix would save. */
  readonly findings: readonly RunFinding[]
}

/** Reads the files that the processes of a run wrote to a folder. */
export function readRun(folder: string): RunResult {
  const reports = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as RunReport)
    // A process can use a different release of Sluice.
    .filter(({ schemaVersion }) => schemaVersion === 1)
  return {
    processes: reports.length,
    clients: [...new Set(reports.flatMap(({ clients }) => clients))].sort(),
    findings: merged(reports.flatMap(({ findings }) => findings.flatMap(ofRoutes))),
  }
}

function ofRoutes({ routes, ...finding }: RunReport['findings'][number]): readonly RunFinding[] {
  return routes.map((route) => ({ ...finding, ...route }))
}

/** Findings with the same id, call site and scope name are one. */
function merged(findings: readonly RunFinding[]): readonly RunFinding[] {
  const groups = new Map<string, RunFinding[]>()
  for (const finding of findings) {
    const group = groups.get(keyOf(finding))
    if (group === undefined) groups.set(keyOf(finding), [finding])
    else group.push(finding)
  }
  return [...groups.values()].map(sumOf).sort(compareFindings)
}

function keyOf({ id, scope, callSite }: RunFinding): string {
  return [id, scope, callSite?.file, callSite?.line, callSite?.column].join('\n')
}

/** The occurrence with the most queries, with the savings of all. */
function sumOf(findings: readonly RunFinding[]): RunFinding {
  const worst = findings.reduce((one, other) => (other.count > one.count ? other : one))
  const impact = sumOfImpacts(findings.map((finding) => finding.impact))
  return { ...worst, occurrences: impact.occurrences, severity: severityOf(impact), impact }
}
