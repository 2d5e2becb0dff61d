import { join } from 'node:path'
import type { Dialect } from '@sluice/core'

const root = join(import.meta.dirname, '../../..')

/** One place of the sources with other text in it. */
export interface Edit {
  /** From the repository's root. */
  readonly file: string
  /** Occurs once in the file. */
  readonly find: string
  readonly replace: string
}

/** A rule of correctness switched off: the oracle must find a program that shows it. */
export interface Mutation {
  readonly name: string
  /** What no longer holds. */
  readonly rule: string
  readonly edits: readonly Edit[]
  /** The database on which it shows. @defaultValue 'sqlite' */
  readonly dialect?: Dialect
  /** Found within a few programs: part of the tests, and not of the script alone. */
  readonly isQuick?: boolean
}

export function pathOf({ file }: Edit): string {
  return join(root, file)
}
