import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { InputError } from '../command.ts'
import { type BenchBaselineJson, jsonText } from '../report/json-output.ts'
import type { SideSummary } from './round-statistics.ts'
import type { RouteResult } from './run-bench.ts'

const SCHEMA_VERSION = 1

/**
 * @returns The figures by route; `undefined` if the file does not exist.
 * @throws InputError if its content is invalid.
 */
export async function readBenchBaseline(path: string): Promise<ReadonlyMap<string, SideSummary> | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new InputError(`--baseline ${path}: ${(error as Error).message}`)
  }
  const routes = routesIn(text)
  if (routes === undefined)
    throw new InputError(`--baseline ${path}: expected a file written by sluice bench --update-baseline`)
  return new Map(routes.map(({ route, own }) => [route, own]))
}

export async function writeBenchBaseline(path: string, results: readonly RouteResult[]): Promise<void> {
  const routes = results.map(({ route, own }) => ({ route, own }))
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, jsonText<BenchBaselineJson>({ schemaVersion: SCHEMA_VERSION, routes }))
}

function routesIn(text: string): Pick<RouteResult, 'route' | 'own'>[] | undefined {
  try {
    const { schemaVersion, routes } = JSON.parse(text) as {
      readonly schemaVersion?: unknown
      readonly routes?: unknown
    }
    if (schemaVersion !== SCHEMA_VERSION || !Array.isArray(routes)) return undefined
    return routes.every(isRoute) ? routes : undefined
  } catch {
    return undefined
  }
}

function isRoute(value: unknown): value is Pick<RouteResult, 'route' | 'own'> {
  const { route, own } = value as { readonly route?: unknown; readonly own?: { readonly figures?: unknown } }
  if (typeof route !== 'string' || typeof own?.figures !== 'object' || own.figures === null) return false
  const isNumber = (one: unknown) => typeof one === 'number' && Number.isFinite(one)
  return Object.values(own.figures).every(({ median, least, most }) => [median, least, most].every(isNumber))
}
