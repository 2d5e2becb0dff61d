import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SluiceError } from '../../shared/errors.ts'

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
