import { join } from 'node:path'
import type { Dialect } from '@sluice/core'

export const root: string = join(import.meta.dirname, '../../..')

/** One place of the sources with other text in it. */
export interface Edit {
  /** From the repository's root. */
  readonly file: string
  /** Occurs once in the file. */
  readonly find: string
  readonly replace: string
}

/** One or more tests of a file in the project `unit` or `integration`. */
export interface KillingTest {
  readonly file: string
  /** Part of the names. */
  readonly name: string
}

/** A rule of correctness switched off: the oracle must find a program that shows it, or a test must fail. */
export interface Mutation {
  readonly name: string
  /** What no longer holds. */
  readonly rule: string
  readonly edits: readonly Edit[]
  /** The database on which it shows. @defaultValue 'sqlite' */
  readonly dialect?: Dialect
  /** Whether only databases with triggers, functions and views show it. */
  readonly hasFeatures?: boolean
  /** The test that shows it, where no program does: because time must pass, for example. Left out: the oracle shows it. */
  readonly test?: KillingTest
  /** Found within a few programs: part of the tests, and not of the script alone. */
  readonly isQuick?: boolean
}

/** An edit as the process that runs the changed sources gets it. */
export interface Patch {
  readonly path: string
  readonly find: string
  readonly replace: string
}

export function pathOf({ file }: Edit): string {
  return join(root, file)
}
