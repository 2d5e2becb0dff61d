import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DatabaseFinding } from '@sluice/core/database'
import type { SideSummary } from '../bench/round-statistics.ts'
import type { RouteResult } from '../bench/run-bench.ts'
import { InputError } from '../command.ts'
import { type BaselineJson, type BenchBaselineJson, jsonText } from './json-output.ts'

/** Known findings. A run only fails because of other ones. */
export interface Baseline {
  readonly keys: ReadonlySet<string>
}

export interface BaselineSplit {
  readonly hasBaseline: boolean
  /** Findings that are not in the baseline. */
  readonly fresh: readonly DatabaseFinding[]
  /** Findings to print. */
  readonly shown: readonly DatabaseFinding[]
}

const SCHEMA_VERSION = 1

/**
 * Reads a baseline.
 *
 * @returns `undefined` if the file does not exist.
 * @throws InputError if its content is invalid.
 */
export async function readBaseline(path: string): Promise<Baseline | undefined> {
  const text = await contentOf(path)
  if (text === undefined) return undefined
  const keys = parsed(text, ({ findings }) => {
    const found = (findings as { key?: unknown }[]).map(({ key }) => key)
    return found.every((key): key is string => typeof key === 'string') ? found : undefined
  })
  if (keys === undefined) throw new InputError(`${path}: expected a baseline written by --update-baseline`)
  return { keys: new Set(keys) }
}

/** The content of a file; `undefined` if the file does not exist. */
async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** @returns The result of `read`; `undefined` if it throws, or if the file is not a baseline. */
function parsed<T>(
  text: string,
  read: (json: Readonly<Record<string, unknown>>) => T | undefined,
): T | undefined {
  try {
    const json = JSON.parse(text) as Readonly<Record<string, unknown>>
    return json.schemaVersion === SCHEMA_VERSION ? read(json) : undefined
  } catch {
    return undefined
  }
}

function baselineText(findings: readonly DatabaseFinding[]): string {
  const entries = findings
    .map(({ key, code, title }) => ({ key, code, title }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  return jsonText<BaselineJson>({ schemaVersion: SCHEMA_VERSION, findings: entries })
}

export async function writeBaseline(path: string, findings: readonly DatabaseFinding[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, baselineText(findings))
}

export function splitBy(
  baseline: Baseline | undefined,
  findings: readonly DatabaseFinding[],
  showsKnown: boolean,
): BaselineSplit {
  const fresh = findings.filter(({ key }) => baseline?.keys.has(key) !== true)
  return { hasBaseline: baseline !== undefined, fresh, shown: showsKnown ? findings : fresh }
}

/**
 * @returns The figures by route; `undefined` if the file does not exist.
 * @throws InputError if its content is invalid.
 */
export async function readBenchBaseline(path: string): Promise<ReadonlyMap<string, SideSummary> | undefined> {
  const text = await contentOf(path).catch((error: Error) => {
    throw new InputError(`--baseline ${path}: ${error.message}`)
  })
  if (text === undefined) return undefined
  const routes = parsed(text, ({ routes: all }) => {
    const found = all as unknown[]
    return found.every(isRoute) ? found : undefined
  })
  if (routes === undefined)
    throw new InputError(`--baseline ${path}: expected a file written by sluice bench --update-baseline`)
  return new Map(routes.map(({ route, own }) => [route, own]))
}

export async function writeBenchBaseline(path: string, results: readonly RouteResult[]): Promise<void> {
  const routes = results.map(({ route, own }) => ({ route, own }))
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, jsonText<BenchBaselineJson>({ schemaVersion: SCHEMA_VERSION, routes }))
}

function isRoute(value: unknown): value is Pick<RouteResult, 'route' | 'own'> {
  const { route, own } = value as { readonly route?: unknown; readonly own?: { readonly figures?: unknown } }
  if (typeof route !== 'string' || typeof own?.figures !== 'object' || own.figures === null) return false
  const isNumber = (one: unknown) => typeof one === 'number' && Number.isFinite(one)
  return Object.values(own.figures).every(({ median, least, most }) => [median, least, most].every(isNumber))
}
