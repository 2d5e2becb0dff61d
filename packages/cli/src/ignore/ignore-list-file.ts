import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type IgnoredFinding, type IgnoreJson, jsonText } from '../report/json-output.ts'
import { UsageError } from '../usage-error.ts'

const SCHEMA_VERSION = 1

/** @returns `undefined` where there is no such file. @throws UsageError for a file that is none. */
export async function readIgnoreList(path: string): Promise<readonly IgnoredFinding[] | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new UsageError(`${path}: ${(error as Error).message}`)
  }
  const findings = findingsIn(text)
  if (findings === undefined) throw new UsageError(`${path}: expected what sluice ignore wrote; it is left as it is`)
  return findings
}

/** In the order of ids, so that two branches that add one each seldom meet. */
export async function writeIgnoreList(path: string, findings: readonly IgnoredFinding[]): Promise<void> {
  const sorted = [...findings].sort((a, b) => (a.id < b.id ? -1 : 1))
  await mkdir(dirname(path), { recursive: true })
  // Never half of it: an app may read it meanwhile.
  const half = `${path}.${process.pid}.tmp`
  await writeFile(half, jsonText<IgnoreJson>({ schemaVersion: SCHEMA_VERSION, findings: sorted }))
  await rename(half, path)
}

function findingsIn(text: string): IgnoredFinding[] | undefined {
  try {
    const { schemaVersion, findings } = JSON.parse(text) as { readonly schemaVersion?: unknown; readonly findings?: unknown }
    if (schemaVersion !== SCHEMA_VERSION || !Array.isArray(findings)) return undefined
    return findings.every((one: IgnoredFinding) => typeof one.id === 'string' && one.id !== '') ? findings : undefined
  } catch {
    return undefined
  }
}
