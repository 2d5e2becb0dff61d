import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DatabaseFinding } from '@sluice/core/database'
import { InputError } from '../command.ts'
import { type BaselineJson, jsonText } from './json-output.ts'

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
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const parsed = parse(text)
  if (parsed === undefined) throw new InputError(`${path}: expected a baseline written by --update-baseline`)
  return { keys: new Set(parsed) }
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

function parse(text: string): string[] | undefined {
  try {
    const { schemaVersion, findings } = JSON.parse(text) as {
      schemaVersion?: unknown
      findings?: { key?: unknown }[]
    }
    if (schemaVersion !== SCHEMA_VERSION || !Array.isArray(findings)) return undefined
    const keys = findings.map(({ key }) => key)
    return keys.every((key): key is string => typeof key === 'string') ? keys : undefined
  } catch {
    return undefined
  }
}
