import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { portableFileOf } from '../../pipeline/call-site.ts'
import type { Shape } from '../../pipeline/operation.ts'
import { SluiceError } from '../../shared/errors.ts'
import { compileGlob } from '../../shared/glob.ts'
import type { IgnoreRule } from './detection-options.ts'
import type { UnratedFinding } from './finding-entry.ts'

/** Thrown if a file of ignored findings cannot be used. */
export class InvalidIgnoreFileError extends SluiceError {
  constructor(
    readonly path: string,
    expected: string,
    cause?: unknown,
  ) {
    super('SLUICE_INVALID_IGNORE_FILE', `${path}: expected ${expected}.`, { cause })
  }
}

const SCHEMA_VERSION = 1

/**
 * Reads the ids from a file that `sluice ignore` wrote, for `detection.ignore`. Reads the file immediately,
 * and only once.
 *
 * @param path - Relative to the working directory, or a `file:` URL.
 * @returns The ids; empty if the file does not exist.
 * @throws InvalidIgnoreFileError if the file is invalid.
 * @example
 * ```ts
 * import { createSluice, readIgnoreFile } from '@sluice/core'
 *
 * const sluice = createSluice({ detection: { ignore: readIgnoreFile() } })
 * ```
 */
export function readIgnoreFile(path: string | URL = 'sluice/ignore.json'): string[] {
  const file = path instanceof URL ? fileURLToPath(path) : path
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw new InvalidIgnoreFileError(file, 'a readable file', error)
  }
  let json: { readonly schemaVersion?: unknown; readonly findings?: unknown } | null
  try {
    json = JSON.parse(text) as typeof json
  } catch (error) {
    throw new InvalidIgnoreFileError(file, 'JSON', error)
  }
  if (json?.schemaVersion !== SCHEMA_VERSION)
    throw new InvalidIgnoreFileError(file, `schemaVersion ${SCHEMA_VERSION}, which \`sluice ignore\` writes`)
  const { findings } = json
  if (!Array.isArray(findings)) throw new InvalidIgnoreFileError(file, '`findings`, a list')
  return findings.map((finding: { readonly id?: unknown } | null, at) => {
    const id = finding?.id
    if (typeof id !== 'string' || id === '')
      throw new InvalidIgnoreFileError(file, `\`findings[${at}].id\`, a non-empty string`)
    return id
  })
}

type Test = (finding: UnratedFinding, shape: Shape | undefined) => boolean

/** The findings that are not reported. */
export class IgnoreList {
  readonly #tests: readonly Test[]

  constructor(rules: readonly (string | IgnoreRule)[]) {
    this.#tests = rules.map(testOf)
  }

  /** @param shape - Normalized query of the finding; the finding of a budget has none. */
  has(finding: UnratedFinding, shape?: Shape): boolean {
    return this.#tests.some((test) => test(finding, shape))
  }
}

function testOf(rule: string | IgnoreRule): Test {
  if (typeof rule === 'string') return ({ id, fingerprint }) => id === rule || fingerprint === rule
  const tests: Test[] = []
  const { table, model, callSite, fingerprint } = rule
  if (fingerprint !== undefined) tests.push((finding) => finding.fingerprint === fingerprint)
  if (callSite !== undefined) {
    const matches = compileGlob(callSite)
    tests.push(
      ({ callSite: site }) => site !== undefined && (matches(site.file) || matches(portableFileOf(site))),
    )
  }
  // The label of a model's query begins with the model: `City.findMany where regionId`.
  if (model !== undefined) tests.push((_finding, shape) => shape?.label.startsWith(`${model}.`) === true)
  if (table !== undefined)
    tests.push((_finding, shape) => shape !== undefined && isTable(tableOf(shape), table))
  return (finding, shape) => tests.every((test) => test(finding, shape))
}

const FROM = /\bfrom\s+([^\s,()]+)/i

/**
 * Returns the main table of a query: the one that the adapter reports, otherwise the first one in its SQL.
 */
function tableOf({ table, label }: Shape): string | undefined {
  return table ?? FROM.exec(label)?.[1]?.replace(/["`[\]]/g, '')
}

/** Whether a name, with or without its schema, identifies a table. */
function isTable(table: string | undefined, name: string): boolean {
  const [full, expected] = [table?.toLowerCase(), name.toLowerCase()]
  return full === expected || full?.slice(full.lastIndexOf('.') + 1) === expected
}
